"""Findings of this suite about the library: what it does to any weights of an architecture is no fault of a subject."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from suites.findings import Defect
from suites.running import library_faults

COMPARE_PATHS = ("equivalence", "sampling", "saving", "placement")
"""Folders of checks that compare two ways of computing the same, which must agree whatever the weights are."""


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, Any, Any]:
    try:
        return (yield)
    except Defect as defect:
        if Path(pyfuncitem.path).parent.name not in COMPARE_PATHS:
            raise
        given = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
        finding = library_faults.judged(defect, pyfuncitem.obj, given)
        if finding is defect:
            raise
        raise finding from defect
