"""Loading a subject's tokenizer once more, from another place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from fixtures.files.problems import SubjectProblem
from fixtures.files.source import Source
from fixtures.models import loading
from fixtures.subjects.subject import Subject
from suites.findings import Defect


def load_from(place: Path, subject: Subject, *, otherwise: str) -> Any:
    """The tokenizer in a directory; `otherwise` begins the finding where it does not load."""
    __tracebackhide__ = True
    moved = replace(subject, source=Source(str(place), "directory", str(place)))
    try:
        return loading.load_tokenizer(moved)
    except SubjectProblem as error:
        evidence = {"file": error.problem.file}
        raise Defect(f"{otherwise} {error.problem.summary}", evidence=evidence) from None
