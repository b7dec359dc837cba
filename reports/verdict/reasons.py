"""The verdict on one subject, with its reasons.

Reasons go to four lists, the strongest first: `rejections` reject, `unknowns` leave the verdict inconclusive,
`conditions` are facts that an adopter must know, `notes` change nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

from reports.records import renamed
from reports.records.capabilities import phrase, present
from reports.records.outcomes import is_evidence
from reports.records.policy import Policy
from reports.records.run_records import RunRecords
from reports.records.schema import Check, Subject
from reports.records.to_json import Json
from reports.verdict import bounds
from reports.verdict.findings import LOADS, decisive, findings_of, is_unsupported
from reports.verdict.metrics import capabilities_of, metrics_of
from reports.wording import count, line, names, sentence

T = TypeVar("T")

INTERRUPTED = {2: "was interrupted", 3: "ended in an internal error of pytest", 4: "ended in a usage error"}
"""pytest's exit statuses after which the results are incomplete."""
LISTED = 5
"""Findings of one severity that are reasons of their own."""


def suite_of(check: str) -> str:
    return check.partition("/")[0]


@dataclass
class SubjectVerdict:
    """The records of one subject, judged."""

    records: RunRecords
    subject: Subject
    policy: Policy
    checks: list[Check]
    planned: list[Json]
    missing: list[Json]
    """Planned checks without a record."""
    rejections: list[str] = field(default_factory=list)
    unknowns: list[str] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.findings = findings_of(self.records, self.subject, self.policy, self.checks)
        self.metrics = metrics_of(self.checks)
        self.capabilities = capabilities_of(self.checks)
        self.required = self._suites() if self.policy.required is None else set(self.policy.required)
        self._weigh_findings()
        self._weigh_bounds()
        self._weigh_required_capabilities()
        self._weigh_incomplete_run()
        self._weigh_errors()
        self._weigh_evidence()
        self._note_deselected()
        self._note_stale_acceptances()

    def _suites(self) -> set[str]:
        """Every suite that was planned for the subject, or ran."""
        return {suite_of(entry["check"]) for entry in self.planned} | {check.suite for check in self.checks}

    @property
    def verdict(self) -> str:
        if self.rejections:
            return "reject"
        if self.unknowns:
            return "inconclusive"
        return "adopt-with-conditions" if self.conditions else "adopt"

    @property
    def reasons(self) -> list[str]:
        against = self.rejections + self.unknowns + self.conditions
        return [*(against or [self._no_problem()]), *self.notes]

    def _no_problem(self) -> str:
        suites = len({check.suite for check in self.checks})
        return f"{count(len(self.checks), 'check')} in {count(suites, 'suite')} ran; none found a problem."

    def _weigh_findings(self) -> None:
        """Defects reject; hazards are conditions, or reject with `--strict`."""
        self.rejections += _reasons("Defect in", decisive(self.findings, "defect"))
        hazards = decisive(self.findings, "hazard")
        if self.records.run.options.get("strict"):
            self.rejections += _reasons("Hazard, a defect under --strict, in", hazards)
        else:
            self.conditions += _reasons("Hazard in", hazards)
        for finding in self.findings:
            where = f"{finding['severity']} in {finding['check']}"
            if reason := finding.get("accepted"):
                self.conditions.append(f"Accepted {where}: {sentence(line(reason))}")
            elif reason := finding.get("ignored"):
                self.notes.append(f"The policy ignores the {where}: {sentence(reason)}")

    def _weigh_bounds(self) -> None:
        own = [bound for bound in self.policy.bounds if bound.applies_to(self.subject.name)]
        for bound in own:
            strength, reason = bounds.weigh(bound, self.metrics, own)
            if strength:
                getattr(self, strength).append(reason)

    def _weigh_incomplete_run(self) -> None:
        """A run that stopped early leaves the verdict open."""
        end = self.records.end
        if end is None:
            self.unknowns.append("The run was cut short: it never came to its end.")
        elif end.exitstatus in INTERRUPTED:
            self.unknowns.append(f"The run {INTERRUPTED[end.exitstatus]} (exit status {end.exitstatus}).")
        for reasons, missing in self._by_requirement(self.missing, lambda planned: suite_of(planned["check"])):
            ids = names(sorted({planned["check"] for planned in missing}))
            reasons.append(f"{count(len(missing), 'planned check')} left no result: {ids}.")

    def _weigh_errors(self) -> None:
        errors = [check for check in self.checks if check.outcome == "error"]
        for reasons, failed in self._by_requirement(errors, lambda check: check.suite):
            ids = names(sorted({check.check for check in failed}))
            crashed = f"{count(len(failed), 'check')} crashed or ran out of resources"
            nothing = f"{'so it says' if len(failed) == 1 else 'so they say'} nothing about the model"
            first = sentence(line(failed[0].summary or "no message", 200))
            reasons.append(f"{crashed}, {nothing}: {ids}. The first: {first}")

    def _weigh_evidence(self) -> None:
        """Without evidence the verdict is open, however green the run is."""
        loads = [check for check in self.checks if check.check == LOADS]
        not_loaded = [problem["summary"] for problem in self.subject.problems if is_unsupported(problem)]
        if loads and all(check.outcome == "unsupported" for check in loads):
            not_loaded += [check.summary or "no reason given" for check in loads]
        self.unknowns += [
            f"The subject was not loaded: {sentence(line(reason, 300))}" for reason in dict.fromkeys(not_loaded)
        ]
        if not any(is_evidence(check.outcome) for check in self.checks):
            if not self.subject.problems and not not_loaded:
                self.unknowns.append(f"No check of this subject gave evidence: {self._without_evidence()}.")
            return
        suites = {check.suite for check in self.checks}
        could_not_run = suites - {check.suite for check in self.checks if check.outcome != "unsupported"}
        missing = {suite_of(planned["check"]) for planned in self.missing}
        for suite in sorted(could_not_run & self.required):
            self.unknowns.append(f"No check of the required suite {suite} could run: {self._first_reason(suite)}")
        for suite in sorted(self.required - suites - missing):
            self.unknowns.append(f"The policy requires the suite {suite}, and none of its checks was planned.")
        self._weigh_untested_variants()
        unsupported = [check for check in self.checks if check.outcome == "unsupported"]
        self._weigh_unsupported([check for check in unsupported if check.suite not in could_not_run & self.required])

    def _weigh_untested_variants(self) -> None:
        """A quantized variant of which no check ran is not adopted on the evidence of other variants."""
        tested = {_quantization(check) for check in self.checks if check.outcome != "unsupported"}
        for scheme in sorted({_quantization(check) for check in self.checks} - tested - {"none"}):
            why = next(check.summary for check in self.checks if _quantization(check) == scheme) or "no reason given"
            reason = sentence(line(why))
            self.unknowns.append(f"The variant {scheme} was asked for, and none of its checks ran: {reason}")

    def _weigh_unsupported(self, checks: list[Check]) -> None:
        if checks:
            ids = names(sorted({check.check for check in checks}))
            first = sentence(line(checks[0].summary or "no reason given", 200))
            self.conditions.append(f"{count(len(checks), 'check')} could not run: {ids}. The first: {first}")

    def _note_deselected(self) -> None:
        if deselected := self.records.deselected:
            self.notes.append(f"The selection left out {count(deselected, 'check')} of this run.")

    def _note_stale_acceptances(self) -> None:
        """Accepted entries that match no finding would hide the next finding of that check."""
        matched = {finding["check"] for finding in self.findings}
        tested = {check.check for check in self.checks if is_evidence(check.outcome)}
        for check in sorted(set(self.subject.accepted) - matched):
            why = "did not occur: remove the entry" if check in tested else "was not tested in this run"
            self.notes.append(f"The accepted finding {check} {why}.")

    def _weigh_required_capabilities(self) -> None:
        """Capabilities that the manifest requires: absent ones reject, unprobed ones leave the verdict open."""
        for required in self.subject.required:
            name, _, value = renamed.required(required).partition("=")
            wanted = f"The manifest requires {required} ({phrase(name)})"
            if name not in self.capabilities:
                self.unknowns.append(f"{wanted}, but it was not probed in this run.")
                continue
            probed = self.capabilities[name]
            if str(probed) != value if value else not present(probed):
                self.rejections.append(f"{wanted}, but the model has {probed!r}.")

    def _without_evidence(self) -> str:
        if not self.checks:
            return "none ran"
        counts = Counter(check.outcome for check in self.checks)
        return f"{counts['unsupported']:,} could not run, {counts['error']:,} ended in an error"

    def _first_reason(self, suite: str) -> str:
        summary = next(check.summary for check in self.checks if check.suite == suite)
        return sentence(line(summary or "no reason given", 200))

    def _by_requirement(self, items: list[T], suite: Callable[[T], str]) -> Iterator[tuple[list[str], list[T]]]:
        """Splits items: those of a required suite leave the verdict open, the others are conditions."""
        for reasons, wanted in ((self.unknowns, True), (self.conditions, False)):
            if chosen := [item for item in items if (suite(item) in self.required) is wanted]:
                yield reasons, chosen


def _quantization(check: Check) -> str:
    return str(check.variant.get("quantization") or "none")


def _reasons(opening: str, findings: list[Json]) -> list[str]:
    """A sentence for each of the first findings, and one with the number of the others."""
    same: dict[tuple[str, str], list[Json]] = {}
    for finding in findings:
        same.setdefault((finding["check"], finding["summary"]), []).append(finding)
    groups = list(same.values())
    reasons = [
        f"{opening} {each[0]['check']}: {sentence(line(each[0]['summary'], 300))}{_variants(each)}" for each in groups
    ]
    others = [finding for group in groups[LISTED:] for finding in group]
    ids = names(sorted({finding["check"] for finding in others}))
    more = [f"{count(len(others), 'more ' + others[0]['severity'])}: {ids}."] if others else []
    return reasons[:LISTED] + more


def _variants(findings: list[Json]) -> str:
    return f" This holds for {len(findings)} variants." if len(findings) > 1 else ""
