from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fixtures.session.uses import uses
from fixtures.templates.stored import JINJA, NAMED, stored_templates
from suites.chat_templates.files.stored_templates import leaves_directory, loaded_templates
from suites.findings import Defect


@uses("loading", "sharing")
def test_template_names_stay_inside(template_files: Path, tokenizer: Any) -> None:
    """No template name and no link among the template files leads out of the directory.

    Why: template names become file names when the tokenizer is saved, and before transformers 5.10 a name such as
        ../../x could overwrite any file (CVE-2026-9856); a link makes a local file the template, and saving or sharing
        discloses it.
    Fix: Give every template a plain name, and put the files themselves into the directory.
    Source: https://github.com/huggingface/transformers/pull/46191; https://nvd.nist.gov/vuln/detail/CVE-2026-9856
    """
    for each in stored_templates(template_files):
        named_plainly(each.name, each.file)
    for name in loaded_templates(tokenizer):
        named_plainly(name, "the tokenizer")
    for path, target in links_out(template_files):
        summary = f"{path} is a link to {target}, outside of the directory."
        raise Defect(summary, evidence={"link": str(path), "target": str(target)})


def named_plainly(name: str, file: str) -> None:
    __tracebackhide__ = True
    if leaves_directory(name):
        raise Defect(
            f"A chat template in {file} is called {name!r}, which is not a plain file name: saving the tokenizer "
            "writes outside of the directory, or is refused.",
            evidence={"name": name, "file": file},
        )


def links_out(directory: Path) -> Iterator[tuple[Path, Path]]:
    """Template files that are links out of the directory; links into the cache that all files use are fine."""
    stores = {path.resolve().parent for path in directory.iterdir() if path.is_file() and path.name != JINJA}
    inside = [directory.resolve(), *stores]
    for path in (directory / JINJA, directory / NAMED, *sorted((directory / NAMED).glob("*"))):
        target = path.resolve()
        if path.exists() and not any(target.is_relative_to(each) for each in inside):
            yield path.relative_to(directory), target
