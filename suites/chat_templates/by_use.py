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


def of_plainest_uses(findings: Iterable[Finding]) -> list[Finding]:
    """Returns the findings that no finding of a plainer conversation explains, defects before hazards.

    What goes wrong in ordinary chats goes wrong with a system message or with tools too.
    """
    kept: list[Finding] = []
    for finding in sorted(findings, key=lambda each: (not isinstance(each, Defect), len(each.uses))):
        if not any(_explains(plainer, finding) for plainer in kept):
            kept.append(finding)
    return kept


def _explains(plainer: Finding, finding: Finding) -> bool:
    return "chat" in plainer.uses or set(plainer.uses) <= set(finding.uses)
