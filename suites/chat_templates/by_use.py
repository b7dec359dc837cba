"""Findings of a check that tries several conversations, one for each use."""

from __future__ import annotations

from collections.abc import Iterable

from suites.findings import Defect, Finding


def first_of_each_use(findings: Iterable[Finding]) -> list[Finding]:
    """Returns the first finding of each use, defects before hazards: the others are likely the same fault."""
    known: set[str] = set()
    first = []
    for finding in sorted(findings, key=lambda each: not isinstance(each, Defect)):
        if not known.issuperset(finding.uses):
            first.append(finding)
            known.update(finding.uses)
    return first
