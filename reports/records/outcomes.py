"""Outcomes of a check: the one table that records, verdict, baseline, terminal, GitHub and report read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """One outcome: its words, its colour and what it counts as."""

    name: str
    """In records, policies, baselines and CSS classes."""
    letter: str
    """In pytest's line of progress."""
    singular: str
    plural: str
    """The words after a number: `1 defect`, `6 passed`."""
    meaning: str
    rank: int
    """Severity as a number; a higher rank than before is a change for the worse."""
    tone: str
    """Its colour in terminal and report, one of TONES."""
    sign: str
    """Its sign in the report, so that colour is never the only difference."""
    evidence: bool = False
    """True if the check tested the subject."""
    finding: bool = False
    """True if the report lists it under findings and a policy may reclassify it."""
    fails: bool = False
    """True if pytest counts it as a failure."""
    step: str = ""
    """Of a finding: the words before its check in the list of next steps."""
    github: str = ""
    """Level of its annotation in GitHub Actions; empty for none."""


TONES = ("good", "caution", "bad", "open", "quiet")
"""Colours of outcomes and verdicts; terminal and style sheet say what they look like."""

TABLE = (
    Outcome(
        name="pass",
        letter=".",
        singular="passed",
        plural="passed",
        meaning="nothing wrong was found",
        rank=0,
        tone="good",
        sign="✓",
        evidence=True,
    ),
    Outcome(
        name="defect",
        letter="D",
        singular="defect",
        plural="defects",
        meaning="silently wrong results, or a broken declaration",
        rank=4,
        tone="bad",
        sign="✕",
        evidence=True,
        finding=True,
        fails=True,
        step="Fix",
        github="error",
    ),
    Outcome(
        name="hazard",
        letter="H",
        singular="hazard",
        plural="hazards",
        meaning="works here, but a common use goes wrong",
        rank=1,
        tone="caution",
        sign="▲",
        evidence=True,
        finding=True,
        step="Be aware of",
        github="warning",
    ),
    Outcome(
        name="not_applicable",
        letter="n",
        singular="not applicable",
        plural="not applicable",
        meaning="nothing to test in this subject",
        rank=0,
        tone="quiet",
        sign="·",
    ),
    Outcome(
        name="unsupported",
        letter="U",
        singular="unsupported",
        plural="unsupported",
        meaning="should have been tested, and could not be",
        rank=2,
        tone="quiet",
        sign="–",
    ),
    Outcome(
        name="error",
        letter="E",
        singular="error",
        plural="errors",
        meaning="the machine or seatrial failed",
        rank=3,
        tone="open",
        sign="!",
        fails=True,
    ),
)
"""In the order in which they are listed."""

OUTCOMES = {outcome.name: outcome for outcome in TABLE}

CAUSES = {
    "blocked": "another finding has to be fixed first",
    "missing": "a package or device is missing",
    "too_expensive": "takes more time or memory than the options allow",
    "refused": "the library refuses the call",
    "limit": "a limit of seatrial",
}
"""Causes of the outcome `unsupported`, in words."""

SEVERITIES = tuple(name for name, outcome in OUTCOMES.items() if outcome.finding)
"""Outcomes that are findings, the worst first."""


def counted(number: int, name: str) -> str:
    """`6 passed`, `1 defect`, `2 hazards`."""
    outcome = OUTCOMES[name]
    return f"{number:,} {outcome.singular if number == 1 else outcome.plural}"


def worst(names: Iterable[str]) -> str:
    """The outcome of the highest rank."""
    return max(names, key=rank)


def rank(name: str) -> int:
    return OUTCOMES[name].rank


def is_evidence(name: str) -> bool:
    """True for an outcome of a check that tested the subject."""
    return OUTCOMES[name].evidence
