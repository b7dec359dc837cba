from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from fixtures.subjects.subject import Subject
from suites.findings import Defect, Unsupported
from suites.tokenizers.files.reloading import load_from
from suites.tokenizers.files.snapshot import change_clause, change_evidence, first_change, replaced_components, snapshot


def test_independent_of_path(subject: Subject, tokenizer: Any) -> None:
    """The same files give the same ids and special tokens under another path, named like a model on the Hub.

    Why: libraries mend or recognise some tokenizers by the name of their repository; a local copy then gets other
        ids than the model was served with.
    Fix: Write the mended rule into tokenizer.json itself, so that no name is needed to find it.
    Source: https://github.com/huggingface/transformers/issues/47017;
        https://github.com/huggingface/transformers/issues/42591
    """
    with tempfile.TemporaryDirectory() as directory:
        place = linked(subject.path, Path(directory))
        elsewhere = load_from(place, subject, otherwise="From another path the same files do not load:")
        before, after = snapshot(tokenizer), snapshot(elsewhere)
    if difference := first_change(before, after):
        part, name = difference
        what = change_clause(part, name, before[part].get(name), after[part].get(name))
        cause = replaced_components(elsewhere, tokenizer)
        evidence = change_evidence(before, after, part, name, elsewhere) | {"path": "org/name"}
        raise Defect(
            f"Loaded from another path, the same files give another tokenizer: {what}{cause}.", evidence=evidence
        )


def linked(files: Path, directory: Path) -> Path:
    """The same files under `org/name`."""
    place = directory / "org" / "name"
    place.parent.mkdir()
    try:
        place.symlink_to(files.resolve(), target_is_directory=True)
    except OSError as error:
        raise Unsupported(f"no symbolic link can be made here ({error})") from None
    return place
