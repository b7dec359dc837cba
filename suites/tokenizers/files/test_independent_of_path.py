from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Defect, Missing
from suites.tokenizers.files.reloading import load_from
from suites.tokenizers.files.snapshot import change_clause, change_evidence, first_change, replaced_components, snapshot


@uses("text")
def test_independent_of_path(subject: Subject, tokenizer: Any) -> None:
    """The same files give the same ids and special tokens when they are loaded from another path.

    Why: libraries recognise and correct some tokenizers by the name of their repository, so a copy under another name
        gets other ids.
    Fix: Write the corrected rule into tokenizer.json itself.
    Source: https://github.com/huggingface/transformers/issues/47017;
        https://github.com/huggingface/transformers/issues/42591
    """
    with tempfile.TemporaryDirectory() as directory:
        link = linked(subject.path, Path(directory))
        elsewhere = load_from(link, subject, failure="The same files do not load from another path:")
        before, after = snapshot(tokenizer), snapshot(elsewhere)
    if difference := first_change(before, after):
        part, name = difference
        what = change_clause(part, name, before[part].get(name), after[part].get(name))
        cause = replaced_components(elsewhere, tokenizer)
        evidence = change_evidence(before, after, part, name, elsewhere) | {"path": "org/name"}
        summary = f"The same files give another tokenizer when they are loaded from another path: {what}{cause}."
        raise Defect(summary, evidence=evidence)


def linked(files: Path, directory: Path) -> Path:
    """A link to the files, called `org/name` like a model on the Hub."""
    link = directory / "org" / "name"
    link.parent.mkdir()
    try:
        link.symlink_to(files.resolve(), target_is_directory=True)
    except OSError as error:
        summary = f"symbolic links cannot be created here: {error}"
        raise Missing(summary, "TMPDIR on a file system with symbolic links") from None
    return link
