"""The state of each use of a subject: fit, conditions, unfit, untested or absent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from reports.records.outcomes import is_evidence
from reports.records.schema import Check, key
from reports.records.to_json import Json
from reports.records.uses import in_order
from reports.wording import count, line, names, sentence

FIT, CONDITIONS, UNFIT, UNTESTED, ABSENT = "fit", "conditions", "unfit", "untested", "absent"
TONES = {FIT: "good", CONDITIONS: "caution", UNFIT: "bad", UNTESTED: "open", ABSENT: "quiet"}
"""Each state with its colour, one of `outcomes.TONES`."""
CORE, REQUIRED, OTHER = "core", "required", "other"
NONE = "none"
"""The quantization of full precision."""
LISTED = 3
"""Findings of a use that are reasons of their own."""


PROBES = {"system": "chat.system_role", "tools": "chat.tools", "reasoning": "chat.reasoning"}
"""The capability that shows whether a subject offers a use at all."""


def worth_showing(subject: Json) -> Json:
    """The uses of a subject in `verdict.json` but those that it does not offer and that were not asked for."""
    return {name: use for name, use in subject["uses"].items() if use["state"] != ABSENT or use["role"] != OTHER}


@dataclass
class Use:
    """One use of one subject."""

    name: str
    role: str
    tested: int = 0
    """Checks that tested it."""
    planned: int = 0
    """Checks that had something to test for it."""
    defects: list[Json] = field(default_factory=list)
    hazards: list[Json] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """Summaries of checks that can find a defect and ended in an error, or never came to an end."""
    unsupported: list[Check] = field(default_factory=list)
    """Checks that can find a defect and could not run."""
    judged: int = 0
    """Checks that can find a defect, and tested it."""
    blocked: int = 0
    """Checks that another finding blocks."""
    selected: bool = True
    """False if the run was a part of the trial that has none of its checks."""
    offered: bool = True
    """False if a probe showed that the subject does not offer it."""

    @property
    def decides(self) -> bool:
        """True if its state decides the verdict."""
        return self.role != OTHER

    @property
    def state(self) -> str:
        if self.defects:
            return UNFIT
        if not self.offered:
            return ABSENT
        if not self.selected:
            return UNTESTED
        if self.errors or (not self.judged and (self.unsupported or self.blocked)):
            return UNTESTED
        if self.hazards or self.unsupported:
            return CONDITIONS
        return FIT if self.tested else ABSENT

    @property
    def reasons(self) -> list[str]:
        """Why it is not fit, the most important first."""
        found = [*self._of_findings(self.defects), *self._of_findings(self.hazards)]
        if self.errors:
            found.append(f"{count(len(self.errors), 'check')} ended in an error: {sentence(line(self.errors[0], 200))}")
        if self.unsupported:
            found.append(could_not_run(self.unsupported))
        return found

    @staticmethod
    def _of_findings(findings: list[Json]) -> list[str]:
        distinct = {(each["check"], each["summary"]): each for each in findings}
        shown = [sentence(f"{check}: {line(summary, 300)}") for check, summary in list(distinct)[:LISTED]]
        rest = sorted({check for check, _ in list(distinct)[LISTED:]})
        return [*shown, *([f"{count(len(rest), 'more check')}: {names(rest)}."] if rest else [])]

    @property
    def next(self) -> str:
        """What to do next, in a few words; empty for a use that is fit or absent."""
        for findings in (self.defects, self.hazards):
            if findings:
                return str(findings[0].get("fix") or "")
        return next((f"settled by: {check.settled_by}" for check in self.unsupported if check.settled_by), "")

    def to_json(self) -> Json:
        return {
            "role": self.role,
            "state": self.state,
            "tested": self.tested,
            "planned": self.planned,
            "reasons": self.reasons,
            "next": self.next,
        }


def could_not_run(checks: list[Check]) -> str:
    """`2 checks could not run: a, b. The first: no compiler.`"""
    ids = names(sorted({check.check for check in checks}))
    settled = f" ({checks[0].settled_by})" if checks[0].settled_by else ""
    first = sentence(line(checks[0].summary or "no reason given", 200) + settled)
    return f"{count(len(checks), 'check')} could not run: {ids}. The first: {first}"


def states(
    checks: Iterable[Check],
    planned: Iterable[Json],
    missing: Iterable[Json],
    findings: Iterable[Json],
    roles: Mapping[str, str],
    uses_of: Callable[[Check | Json], list[str]],
) -> dict[str, Use]:
    """Returns each use by name, in the order of the table.

    Args:
        findings: Those that count, with the uses that they affect.
        roles: Roles of uses other than OTHER.
        uses_of: The uses that a record or a planned check is evidence for.
    """
    worst = {key(entry): str(entry.get("worst", "defect")) for entry in planned}
    found: dict[str, Use] = {name: Use(name, role) for name, role in roles.items()}
    with_finding = {finding["check"] for finding in findings}

    def use(name: str) -> Use:
        return found.setdefault(name, Use(name, OTHER))

    for check in checks:
        can_reject = worst.get(check.key, "defect") == "defect"
        for name in uses_of(check):
            _count(use(name), check, can_reject, with_finding)
    for entry in missing:
        for name in uses_of(entry):
            use(name).planned += 1
            if entry.get("worst", "defect") == "defect":
                use(name).errors.append(f"{entry['check']} left no result")
    for finding in findings:
        for name in finding["uses"]:
            (use(name).defects if finding["severity"] == "defect" else use(name).hazards).append(finding)
    return {name: found[name] for name in in_order(set(found))}


def _count(use: Use, check: Check, can_reject: bool, with_finding: set[str]) -> None:
    if check.outcome == "not_applicable":
        return
    use.planned += 1
    if is_evidence(check.outcome):
        use.tested += 1
        use.judged += can_reject
    elif check.outcome == "error" and can_reject:
        use.errors.append(f"{check.check}: {check.summary or 'no message'}")
    elif check.outcome == "unsupported" and check.cause == "blocked" and check.settled_by in with_finding:
        use.blocked += 1
    elif check.outcome == "unsupported" and can_reject:
        use.unsupported.append(check)
