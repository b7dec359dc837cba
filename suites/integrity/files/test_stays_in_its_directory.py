from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fixtures.checkpoint.traits import read_json
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Defect, Hazard, Record

FILES = (
    "config.json",
    "generation_config.json",
    "tokenizer_config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "adapter_config.json",
    "modules.json",
)
OUTWARD = re.compile(r"(?:^|[\\/])\.\.(?:[\\/]|$)")
ABSOLUTE = re.compile(r"^(?:/|~|[A-Za-z]:[\\/]|file:)")
NAMES_A_FILE = re.compile(r"(file|path|dir|folder|_name|vocab|merges|weight_map|base_model|module)", re.IGNORECASE)
NEVER_READ = ("_name_or_path", "name_or_path", "special_tokens_map_file", "tokenizer_file", "base_model_name_or_path")
"""Keys that the library writes when it saves, and that no loader reads."""


@needs("config")
@uses("loading")
def test_stays_in_its_directory(subject: Subject, record: Record) -> None:
    """No link and no path in a config file points outside the model's directory.

    Why: a file elsewhere was not reviewed or hashed; it differs between machines, may be private, or may not exist.
    Fix: put the file into the directory and name it without a path.
    Source: https://cwe.mitre.org/data/definitions/59.html; https://cwe.mitre.org/data/definitions/22.html
    """
    root = subject.path.resolve()
    for path in sorted(subject.path.rglob("*")):
        if path.is_symlink() and not _inside(path.resolve(), root):
            _refuse_link(path, subject.path)
    names = {f"{file}: {key}": value for file in FILES for key, value in _paths(subject.path / file)}
    unread = {key: value for key, value in names.items() if key.rpartition(".")[2].rpartition(" ")[2] in NEVER_READ}
    record.capability("integrity.author_paths", len(unread), evidence=unread)
    outward = {key: value for key, value in names.items() if key not in unread}
    if outward:
        key, value = next(iter(outward.items()))
        kind = Defect if OUTWARD.search(value) else Hazard
        raise kind(f"{key} is '{value[:80]}', a path outside of the directory.", evidence=outward)


def _refuse_link(path: Path, directory: Path) -> None:
    __tracebackhide__ = True
    name, target = path.relative_to(directory).as_posix(), path.resolve()
    if not target.exists():
        raise Defect(f"{name} is a broken link to {path.readlink()}.", evidence={name: str(path.readlink())})
    raise Defect(f"{name} is a link out of the directory, to {path.readlink()}.", evidence={name: str(path.readlink())})


def _inside(target: Path, root: Path) -> bool:
    """True for a path in the directory, or in the blob store that the links of a Hub snapshot point to."""
    if target.is_relative_to(root):
        return True
    return root.parent.name == "snapshots" and target.is_relative_to(root.parent.parent / "blobs")


def _paths(path: Path) -> Iterator[tuple[str, str]]:
    """Yields keys and values of a JSON file that are file names and point outside the directory."""
    yield from _walk("", read_json(path)[0])


def _walk(parent: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _walk(f"{parent}.{key}".lstrip("."), each)
    elif isinstance(value, list):
        for each in value[:1000]:
            yield from _walk(parent, each)
    elif isinstance(value, str) and NAMES_A_FILE.search(parent) and _points_outside(value):
        yield parent, value


def _points_outside(value: str) -> bool:
    """True for a path that is absolute or goes up; long or multi-line strings are templates or texts."""
    return len(value) < 500 and "\n" not in value and bool(OUTWARD.search(value) or ABSOLUTE.search(value))
