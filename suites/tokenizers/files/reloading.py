"""Loading a subject's tokenizer again, from another directory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from fixtures.files.problems import SubjectProblem
from fixtures.files.source import Source
from fixtures.models import loading
from fixtures.subjects.subject import Subject
from suites.findings import Defect


def load_from(directory: Path, subject: Subject, *, failure: str) -> Any:
    """The tokenizer in a directory. Defect if it does not load; `failure` begins its summary."""
    __tracebackhide__ = True
    moved = replace(subject, source=Source(str(directory), "directory", str(directory)))
    try:
        return loading.load_tokenizer(moved)
    except SubjectProblem as error:
        evidence = {"file": error.problem.file}
        raise Defect(f"{failure} {error.problem.summary}", evidence=evidence) from None
