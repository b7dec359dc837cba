"""One subject before the judge: its records, sorted into piles of sentences.

Four piles decide, strongest first: `broken` rejects, `unknown` leaves it inconclusive, `conditions` are what an
adopter has to know, `notes` change nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from reports.records import renamed
from reports.records.capabilities import present
from reports.records.policy import Policy
from reports.records.schema import Check, Json, Subject, Trial
from reports.verdict import bounds
from reports.verdict.findings import LOADS, decisive, findings_of
from reports.verdict.metrics import capabilities_of, metrics_of
from reports.wording import count, line, names, sentence

T = TypeVar("T")

INTERRUPTED = {2: "was interrupted", 3: "ended in an internal error of pytest", 4: "ended in a usage error"}
"""pytest's exit statuses after which its results are not whole."""


def suite_of(check: str) -> str:
    return check.partition("/")[0]


@dataclass
class Case:
    """One subject before the judge."""

    trial: Trial
    subject: Subject
    policy: Policy
    checks: list[Check]
    planned: list[Json]
    missing: list[Json]
    """Of what was planned."""
    broken: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.findings = findings_of(self.trial, self.subject, self.policy, self.checks)
        self.metrics = metrics_of(self.checks)
        self.capabilities = capabilities_of(self.checks)
        self.required = self._suites() if self.policy.required is None else set(self.policy.required)
        self._findings()
        self._bounds()
        self._needs()
        self._whole()
        self._errors()
        self._evidence()
        self._selected()
        self._accepted()

    def _suites(self) -> set[str]:
        """Every suite that was planned for the subject, or ran."""
        return {suite_of(entry["check"]) for entry in self.planned} | {check.suite for check in self.checks}

    @property
    def verdict(self) -> str:
        if self.broken:
            return "reject"
        if self.unknown:
            return "inconclusive"
        return "adopt-with-conditions" if self.conditions else "adopt"

    @property
    def reasons(self) -> list[str]:
        piles = self.broken + self.unknown + self.conditions + self.notes
        return piles if self.broken or self.unknown or self.conditions else [self._praise(), *self.notes]

    def _praise(self) -> str:
        suites = len({check.suite for check in self.checks})
        return f"{count(len(self.checks), 'check')} of {count(suites, 'suite')} ran and no promise was broken."

    def _findings(self) -> None:
        """Broken promises: defects reject, hazards are conditions unless the run is strict."""
        self.broken += _told("Defect in", decisive(self.findings, "defect"))
        hazards = decisive(self.findings, "hazard")
        if self.trial.run.options.get("strict"):
            self.broken += _told("Hazard, a defect under --strict, in", hazards)
        else:
            self.conditions += _told("Hazard in", hazards)
        for finding in self.findings:
            if reason := finding.get("accepted"):
                self.conditions.append(
                    f"Accepted {finding['severity']} in {finding['check']}: {sentence(line(reason))}"
                )
            elif reason := finding.get("ignored"):
                self.notes.append(
                    f"The policy ignores the {finding['severity']} in {finding['check']}: {sentence(reason)}"
                )

    def _bounds(self) -> None:
        mine = [bound for bound in self.policy.bounds if bound.about(self.subject.name)]
        for bound in mine:
            pile, reason = bounds.weigh(bound, self.metrics, mine)
            if pile:
                getattr(self, pile).append(reason)

    def _whole(self) -> None:
        """A run that stopped early has not shown what it was asked to show."""
        end = self.trial.end
        if end is None:
            self.unknown.append("The run was cut short: it never came to its end.")
        elif end.exitstatus in INTERRUPTED:
            self.unknown.append(f"The run {INTERRUPTED[end.exitstatus]} (exit status {end.exitstatus}).")
        for pile, missing in self._split(self.missing, lambda planned: suite_of(planned["check"])):
            ids = names(sorted({planned["check"] for planned in missing}))
            pile.append(f"{count(len(missing), 'planned check')} left no result: {ids}.")

    def _errors(self) -> None:
        """The machine failed: nothing is known about the subject there."""
        errors = [check for check in self.checks if check.outcome == "error"]
        for pile, failed in self._split(errors, lambda check: check.suite):
            first = sentence(line(failed[0].summary or "no message", 200))
            ids = names(sorted({check.check for check in failed}))
            pile.append(f"{count(len(failed), 'check')} ended in an error of the machine: {ids}. The first: {first}")

    def _evidence(self) -> None:
        """A green run that tried nothing must be impossible."""
        if not any(check.outcome in ("pass", "defect", "hazard") for check in self.checks):
            if not self.subject.problems:
                self.unknown.append(f"No check of this subject gave evidence: {self._nothing()}.")
            return
        loads = [check for check in self.checks if check.check == LOADS]
        if loads and all(check.outcome == "unsupported" for check in loads):
            self.unknown.append(f"The subject was not loaded: {sentence(line(loads[0].summary or 'no reason given'))}")
        suites = {check.suite for check in self.checks}
        blind = suites - {check.suite for check in self.checks if check.outcome != "unsupported"}
        lost = {suite_of(planned["check"]) for planned in self.missing}
        for suite in sorted(blind & self.required):
            self.unknown.append(f"Nothing of the required suite {suite} could run here: {self._why(suite)}")
        for suite in sorted(self.required - suites - lost):
            self.unknown.append(f"The policy requires the suite {suite}, and none of its checks was planned.")
        self._untried_variants()
        told = blind & self.required
        self._unsupported([c for c in self.checks if c.outcome == "unsupported" and c.suite not in told])

    def _untried_variants(self) -> None:
        """A quantized variant that was asked for, and of which no check ran, is not adopted on others' evidence."""
        seen = {_form(check) for check in self.checks if check.outcome != "unsupported"}
        for form in sorted({_form(check) for check in self.checks} - seen - {"none"}):
            why = next(check.summary for check in self.checks if _form(check) == form) or "no reason given"
            self.unknown.append(f"The variant {form} was asked for, and none of its checks ran: {sentence(line(why))}")

    def _unsupported(self, checks: list[Check]) -> None:
        if checks:
            ids = names(sorted({check.check for check in checks}))
            first = sentence(line(checks[0].summary or "no reason given", 200))
            self.conditions.append(f"{count(len(checks), 'check')} could not run here: {ids}. The first: {first}")

    def _selected(self) -> None:
        """A verdict on a part says so."""
        if left_out := self.trial.deselected:
            self.notes.append(f"The selection left out {count(left_out, 'check')} of this run.")

    def _accepted(self) -> None:
        """Accepted entries that match nothing hide the next finding of that check."""
        met = {finding["check"] for finding in self.findings}
        ran = {check.check for check in self.checks if check.outcome in ("pass", "defect", "hazard")}
        for check in sorted(set(self.subject.accepted) - met):
            why = "did not occur: remove the entry" if check in ran else "was not looked for in this run"
            self.notes.append(f"The accepted finding {check} {why}.")

    def _needs(self) -> None:
        """Capabilities that the manifest requires: absent ones reject, unprobed ones leave it open."""
        found = self.capabilities
        for required in self.subject.required:
            name, _, value = renamed.required(required).partition("=")
            if name not in found:
                self.unknown.append(f"The required capability {name} was not probed in this run.")
            elif str(found[name]) != value if value else not present(found[name]):
                self.broken.append(f"The required capability {required} is missing: here it is {found[name]!r}.")

    def _nothing(self) -> str:
        if not self.checks:
            return "none ran"
        counts = Counter(check.outcome for check in self.checks)
        return f"{counts['unsupported']:,} unsupported, {counts['error']:,} in error"

    def _why(self, suite: str) -> str:
        return sentence(line(next(c.summary for c in self.checks if c.suite == suite) or "no reason given", 200))

    def _split(self, items: list[T], its_suite: Callable[[T], str]) -> Iterator[tuple[list[str], list[T]]]:
        """What concerns a required suite is unknown, the rest a condition."""
        for pile, wanted in ((self.unknown, True), (self.conditions, False)):
            if chosen := [item for item in items if (its_suite(item) in self.required) is wanted]:
                yield pile, chosen


def _form(check: Check) -> str:
    return str(check.variant.get("quantization") or "none")


def _told(opening: str, findings: list[Json], limit: int = 5) -> list[str]:
    """One sentence for each finding, and how many more there are."""
    alike: dict[tuple[str, str], list[Json]] = {}
    for finding in findings:
        alike.setdefault((finding["check"], finding["summary"]), []).append(finding)
    piles = list(alike.values())
    told = [f"{opening} {pile[0]['check']}: {sentence(line(pile[0]['summary'], 300))}{_times(pile)}" for pile in piles]
    more = [finding for pile in piles[limit:] for finding in pile]
    ids = names(sorted({finding["check"] for finding in more}))
    return told[:limit] + ([f"{count(len(more), 'more ' + more[0]['severity'])}: {ids}."] if more else [])


def _times(pile: list[Json]) -> str:
    """The same sentence about several variants is told once."""
    return f" So in {len(pile)} variants." if len(pile) > 1 else ""
