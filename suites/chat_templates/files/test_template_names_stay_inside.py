from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from suites.chat_templates.files.stored_templates import (
    JINJA,
    NAMED,
    leaves_directory,
    loaded_templates,
    stored_templates,
)
from suites.findings import Defect


def test_template_names_stay_inside(template_files: Path, tokenizer: Any) -> None:
    """No template's name, and no link among the template files, leads out of the directory.

    Why: names from tokenizer_config.json become file names when the tokenizer is saved, and before transformers
        5.10 a name such as ../../x wrote wherever it pointed (CVE-2026-9856); a link reads a file of the reader's
        machine as a template, and saving or sharing gives it away.
    Fix: Give every template a plain name, and put the files themselves into the directory.
    Source: https://github.com/huggingface/transformers/pull/46191; https://nvd.nist.gov/vuln/detail/CVE-2026-9856
    """
    for each in stored_templates(template_files):
        named_plainly(each.name, each.file)
    for name in loaded_templates(tokenizer):
        named_plainly(name, "the tokenizer")
    for path, target in links_out(template_files):
        raise Defect(f"{path} is a link to a place outside of the directory, {target}.",
                     evidence={"link": str(path), "target": str(target)})  # fmt: skip


def named_plainly(name: str, file: str) -> None:
    __tracebackhide__ = True
    if leaves_directory(name):
        raise Defect(
            f"A chat template in {file} is called {name!r}, which is no plain file name: saving the tokenizer writes "
            "outside of the directory, or is refused.",
            evidence={"name": name, "file": file},
        )


def links_out(directory: Path) -> Iterator[tuple[Path, Path]]:
    """Template files that lie elsewhere; a cache that links every file of a model to one store is no escape."""
    stores = {path.resolve().parent for path in directory.iterdir() if path.is_file() and path.name != JINJA}
    inside = [directory.resolve(), *stores]
    for path in (directory / JINJA, directory / NAMED, *sorted((directory / NAMED).glob("*"))):
        target = path.resolve()
        if path.exists() and not any(target.is_relative_to(place) for place in inside):
            yield path.relative_to(directory), target
