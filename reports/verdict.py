"""The verdict: what the records of a trial mean for somebody who wants to adopt the model.

Four piles of sentences decide, strongest first: `broken` rejects, `unknown` leaves it inconclusive, `conditions`
are what an adopter has to know, `notes` change nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from reports import bounds
from reports.findings import decisive, findings_of
from reports.policy import Bound, Grade, Policy
from reports.records import OUTCOMES, SCHEMA, Check, Json, Subject, Trial
from reports.text import count, line, names, sentence, variant

__all__ = ["VERDICTS", "Bound", "Grade", "Policy", "exit_code", "judge"]

VERDICTS = ("adopt", "adopt-with-conditions", "reject", "inconclusive")

PRESENT = ("supported", True, "kept", "merged")
"""Values of a capability that mean that the subject has it."""

INTERRUPTED = {2: "was interrupted", 3: "ended in an internal error of pytest", 4: "ended in a usage error"}
"""pytest's exit statuses after which its results are not whole."""


def judge(trial: Trial, regressions: Sequence[Json] = ()) -> Json:
    """The content of `verdict.json`."""
    policy = Policy.from_dict(trial.run.policy)
    checks: dict[str, list[Check]] = {}
    for check in trial.checks:
        checks.setdefault(check.subject, []).append(check)
    missing = trial.missing()
    cases = [Case(trial, subject, policy, checks.get(subject.name, []), missing) for subject in trial.subjects]
    return {
        "schema": SCHEMA,
        "run": _run(trial),
        "subjects": [case.to_json() for case in cases],
        "regressions": list(regressions),
    }


def exit_code(verdict: Json) -> int:
    """0 when every subject may be adopted, 1 otherwise; a run without subjects has shown nothing."""
    good = [subject["verdict"] in VERDICTS[:2] for subject in verdict["subjects"]]
    return 0 if good and all(good) else 1


def _run(trial: Trial) -> Json:
    run, end = trial.run, trial.end
    return {
        "started": run.started,
        "finished": end.finished if end else None,
        "complete": end is not None and end.exitstatus not in INTERRUPTED,
        "profile": run.profile,
        "seed": run.seed,
        "device": run.device,
        "versions": run.versions,
        "command": run.command,
        "options": run.options,
        "environment": run.environment,
    }


@dataclass
class Case:
    """One subject before the judge."""

    trial: Trial
    subject: Subject
    policy: Policy
    checks: list[Check]
    missing: list[Json]
    broken: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.missing = [planned for planned in self.missing if planned["subject"] == self.subject.name]
        self.findings = findings_of(self.trial, self.subject, self.policy, self.checks)
        self.metrics = _metrics(self.checks)
        planned = {
            entry["check"].partition("/")[0] for entry in self.trial.plan if entry["subject"] == self.subject.name
        }
        suites = planned | {check.suite for check in self.checks}
        self.required = suites if self.policy.required is None else set(self.policy.required)
        for weigh in (
            self._findings,
            self._bounds,
            self._whole,
            self._errors,
            self._evidence,
            self._accepted,
            self._needs,
        ):
            weigh()

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

    def to_json(self) -> Json:
        subject, counts = self.subject, Counter(check.outcome for check in self.checks)
        fields = ("name", "source", "revision", "fingerprint", "architecture", "parameters")
        return {
            "subject": {name: getattr(subject, name) for name in fields},
            "verdict": self.verdict,
            "reasons": self.reasons,
            "counts": {outcome: counts[outcome] for outcome in OUTCOMES},
            "findings": self.findings,
            "capabilities": _capabilities(self.checks),
            "metrics": self.metrics,
        }

    def _praise(self) -> str:
        suites = len({check.suite for check in self.checks})
        return f"{count(len(self.checks), 'check')} of {count(suites, 'suite')} ran and no promise was broken."

    def _findings(self) -> None:
        """Broken promises: defects reject, hazards are conditions unless the run is strict."""
        self.broken += _told("Defect", decisive(self.findings, "defect"))
        hazards = decisive(self.findings, "hazard")
        if self.trial.run.options.get("strict"):
            self.broken += _told("With --strict this hazard counts as a defect:", hazards)
        else:
            self.conditions += _told("Hazard", hazards)
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
        for bound in self.policy.bounds:
            pile, reason = bounds.weigh(bound, self.metrics)
            if pile:
                getattr(self, pile).append(reason)

    def _whole(self) -> None:
        """A run that stopped early has not shown what it was asked to show."""
        end = self.trial.end
        if end is None:
            self.unknown.append("The run was cut short: it never came to its end.")
        elif end.exitstatus in INTERRUPTED:
            self.unknown.append(f"The run {INTERRUPTED[end.exitstatus]} (exit status {end.exitstatus}).")
        for pile, missing in self._split(self.missing, lambda planned: planned["check"].partition("/")[0]):
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
        ran = {check.suite for check in self.checks if check.outcome != "unsupported"}
        blind = {check.suite for check in self.checks} - ran
        for suite in sorted(blind & self.required):
            self.unknown.append(f"Nothing of the required suite {suite} could run here: {self._why(suite)}")
        for suite in sorted(self.required - {check.suite for check in self.checks}):
            if not any(planned["check"].startswith(suite + "/") for planned in self.missing):
                self.unknown.append(f"The policy requires the suite {suite}, and none of its checks was planned.")
        self._unsupported(
            [c for c in self.checks if c.outcome == "unsupported" and c.suite not in blind & self.required]
        )

    def _unsupported(self, checks: list[Check]) -> None:
        if checks:
            ids = names(sorted({check.check for check in checks}))
            first = sentence(line(checks[0].summary or "no reason given", 200))
            self.conditions.append(f"{count(len(checks), 'check')} could not run here: {ids}. The first: {first}")

    def _accepted(self) -> None:
        """Accepted entries that match nothing hide the next finding of that check."""
        met = {finding["check"] for finding in self.findings}
        ran = {check.check for check in self.checks if check.outcome in ("pass", "defect", "hazard")}
        for check in sorted(set(self.subject.accepted) - met):
            why = "did not occur: remove the entry" if check in ran else "was not looked for in this run"
            self.notes.append(f"The accepted finding {check} {why}.")

    def _needs(self) -> None:
        """Capabilities that the manifest requires: absent ones reject, unprobed ones leave it open."""
        found = _capabilities(self.checks)
        for required in self.subject.required:
            name, _, value = required.partition("=")
            if name not in found:
                self.unknown.append(f"The required capability {name} was not probed in this run.")
            elif str(found[name]) != value if value else found[name] not in PRESENT:
                self.broken.append(f"The required capability {required} is missing: here it is {found[name]!r}.")

    def _nothing(self) -> str:
        if not self.checks:
            return "none ran"
        counts = Counter(check.outcome for check in self.checks)
        return f"{counts['unsupported']:,} unsupported, {counts['error']:,} in error"

    def _why(self, suite: str) -> str:
        return sentence(line(next(c.summary for c in self.checks if c.suite == suite) or "no reason given", 200))

    def _split(self, items: list, suite_of) -> Iterable[tuple[list[str], list]]:  # type: ignore[no-untyped-def, type-arg]
        """What concerns a required suite is unknown, the rest a condition."""
        for pile, wanted in ((self.unknown, True), (self.conditions, False)):
            if chosen := [item for item in items if (suite_of(item) in self.required) is wanted]:
                yield pile, chosen


def _told(opening: str, findings: list[Json], limit: int = 5) -> list[str]:
    """One sentence for each finding, and how many more there are."""
    place = " in " if " " not in opening else " "
    told = [f"{opening}{place}{f['check']}: {sentence(line(f['summary'], 300))}" for f in findings[:limit]]
    more = findings[limit:]
    ids = names(sorted({finding["check"] for finding in more}))
    return told + ([f"{count(len(more), 'more ' + more[0]['severity'])}: {ids}."] if more else [])


def _metrics(checks: Iterable[Check]) -> list[Json]:
    """Each metric with where it comes from."""
    return [
        {"name": metric["name"], "variant": check.variant, **metric, "check": check.check}
        | ({"parameters": check.parameters} if check.parameters else {})
        for check in checks
        for metric in check.metrics
    ]


def _capabilities(checks: Iterable[Check]) -> Json:
    """Name to value; where variants disagree, each value with its variant."""
    seen: dict[str, dict[str, Json]] = {}
    for check in checks:
        for name, fact in check.capabilities.items():
            seen.setdefault(name, {}).setdefault(str(fact.get("value")), {"value": fact.get("value"), "where": check})
    return {name: _one_value(values) for name, values in sorted(seen.items())}


def _one_value(values: dict[str, Json]) -> object:
    if len(values) == 1:
        return next(iter(values.values()))["value"]
    return "; ".join(
        f"{text} ({variant(entry['where'].variant) or entry['where'].check})" for text, entry in values.items()
    )
