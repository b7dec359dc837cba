"""The verdict on one subject or one of its variants, with its reasons.

Reasons go to four lists, the strongest first: `rejections` reject, `unknowns` leave the verdict inconclusive,
`conditions` are facts that an adopter must know, `notes` change nothing.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property

from reports.records import renamed
from reports.records.capabilities import phrase, present
from reports.records.outcomes import is_evidence
from reports.records.policy import Policy
from reports.records.run_records import RunRecords
from reports.records.schema import Check, Subject
from reports.records.to_json import Json
from reports.records.uses import TASK
from reports.verdict import bounds, uses
from reports.verdict.findings import LOADS, findings_of, is_unsupported
from reports.verdict.metrics import capabilities_of, metrics_of
from reports.verdict.uses import ABSENT, CONDITIONS, CORE, NONE, REQUIRED, UNFIT, UNTESTED, Use
from reports.wording import count, line, names, sentence

INTERRUPTED = {2: "was interrupted", 3: "ended in an internal error of pytest", 4: "ended in a usage error"}
"""pytest's exit statuses after which the results are incomplete."""
QUANTIZATION = "quantization"
LOADING = "loading"


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
    variant: Json | None = None
    """Judges this variant alone; None for the whole subject."""
    rejections: list[str] = field(default_factory=list)
    unknowns: list[str] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.variants = _variants(self.checks, self.planned)
        if self.variant is not None:
            self._keep_variant(self.variant)
        self.findings = findings_of(self.records, self.subject, self.policy, self.checks)
        self.bounds = [bound for bound in self.policy.bounds if bound.applies_to(self.subject.name)]
        self.metrics = [bounds.with_limits(metric, self.bounds) for metric in metrics_of(self.checks)]
        self.capabilities = capabilities_of(self.checks)
        self.uses = self._states()
        self._weigh_uses()
        self._weigh_bounds()
        self._weigh_required_capabilities()
        self._weigh_incomplete_run()
        self._weigh_evidence()
        self._note_findings()
        self._note_deselected()
        self._note_stale_acceptances()

    @property
    def partial(self) -> bool:
        """True if the run is a part of a trial."""
        return self.records.selection is not None

    @property
    def verdict(self) -> str:
        if self.rejections:
            return "reject"
        if self.unknowns:
            return "inconclusive"
        if self.partial:
            return "partial"
        return "adopt-with-conditions" if self.conditions else "adopt"

    @property
    def reasons(self) -> list[str]:
        against = self.rejections + self.unknowns + self.conditions
        if self.partial and not self.rejections:
            against = [self._of_part(), *against]
        return [*(against or [self._no_problem()]), *self.notes]

    def _of_part(self) -> str:
        passed = sum(check.outcome in ("pass", "not_applicable") for check in self.checks)
        return f"A part ran ({self.records.selection}): {passed} of {count(len(self.checks), 'check')} passed."

    def _no_problem(self) -> str:
        tested = sum(is_evidence(check.outcome) for check in self.checks)
        suites = len({check.suite for check in self.checks})
        return f"{count(tested, 'check')} in {count(suites, 'suite')} tested it; none found a problem."

    # ---- uses

    def _keep_variant(self, variant: Json) -> None:
        """Keeps what holds for one variant: its own records, and those that load no weights."""
        self.checks = [check for check in self.checks if check.variant in ({}, variant)]
        self.planned = [entry for entry in self.planned if (entry.get("variant") or {}) in ({}, variant)]
        self.missing = [entry for entry in self.missing if (entry.get("variant") or {}) in ({}, variant)]

    def _states(self) -> dict[str, Use]:
        strict = bool(self.records.run.options.get("strict"))
        findings = [
            finding | {"uses": self._uses(finding["uses"], finding["variant"])}
            for finding in self.findings
            if not finding.get("accepted") and not finding.get("ignored")
        ]
        counted = [
            finding | ({"severity": "defect"} if strict else {})
            for finding in findings
            if finding["about"] == "subject" or finding["severity"] == "defect"
        ]
        found = uses.states(self.checks, self.planned, self.missing, counted, self._roles, self._uses_of)
        for name, use in found.items():
            probe = uses.PROBES.get(name, "")
            use.selected = bool(use.planned) or not self.partial
            use.offered = probe not in self.capabilities or present(self.capabilities[probe])
        return found

    @cached_property
    def _roles(self) -> dict[str, str]:
        """Roles of the uses that decide the verdict."""
        asked = [*self.subject.uses, *self.policy.uses, *self.records.run.options.get("use", [])]
        roles = dict.fromkeys(asked, REQUIRED) | dict.fromkeys(self.subject.core or [LOADING], CORE)
        if any(_quantization(each) != NONE for each in self.variants):
            roles[QUANTIZATION] = CORE
        return roles

    def _uses_of(self, record: Check | Json) -> list[str]:
        given = vars(record) if isinstance(record, Check) else record
        return self._uses(given.get("uses") or [LOADING], given.get("variant") or {})

    def _uses(self, names: list[str], variant: Json) -> list[str]:
        """What is true of a quantized variant alone says nothing about the full model."""
        also_full = any(_quantization(each) == NONE for each in self.variants)
        if self.variant is None and also_full and _quantization(variant) != NONE:
            return [QUANTIZATION]
        own = self._roles
        return [name for name in names if not name.startswith(TASK) or name in own]

    def _weigh_uses(self) -> None:
        for use in self.uses.values():
            reasons = [self._with_versions(use, reason) for reason in use.reasons]
            if use.decides and use.state == UNFIT:
                self.rejections += [f"Not fit for {use.name}: {reason}" for reason in reasons[: len(use.defects) or 1]]
            elif use.role == REQUIRED and use.state == ABSENT and not self.partial:
                self.rejections.append(f"Not fit for {use.name}, which you ask for: the model does not offer it.")
            elif use.decides and use.state == UNTESTED and use.selected:
                self.unknowns += [f"Not known for {use.name}: {reason}" for reason in reasons]
            elif use.decides and use.state == CONDITIONS:
                self.conditions += [f"Condition for {use.name}: {reason}" for reason in reasons]
            elif use.state == UNFIT:
                self.conditions.append(f"Not fit for {use.name}, which is not asked for: {reasons[0]}")
        for reasons in (self.rejections, self.unknowns, self.conditions):
            reasons[:] = _joined(reasons)

    def _with_versions(self, use: Use, reason: str) -> str:
        library = any(finding["about"] == "library" and reason.startswith(finding["check"]) for finding in use.defects)
        version = self.records.run.versions.get("transformers")
        return f"{reason.rstrip('.')} (with transformers {version})." if library and version else reason

    # ---- the other reasons

    def _weigh_bounds(self) -> None:
        for bound in self.bounds:
            strength, reason = bounds.weigh(bound, self.metrics, self.bounds)
            if strength:
                getattr(self, strength).append(reason)

    def _weigh_incomplete_run(self) -> None:
        """A run that stopped early leaves the verdict open."""
        end = self.records.end
        if end is None:
            self.unknowns.append("The run was cut short: it never came to its end.")
        elif end.exitstatus in INTERRUPTED:
            self.unknowns.append(f"The run {INTERRUPTED[end.exitstatus]} (exit status {end.exitstatus}).")
        if self.missing and not (self.records.end and self.records.end.stopped_by):
            ids = names(sorted({planned["check"] for planned in self.missing}))
            self.unknowns.append(f"{count(len(self.missing), 'planned check')} left no result: {ids}.")

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
        tested = {check.suite for check in self.checks if is_evidence(check.outcome)}
        for suite in sorted(set(self.policy.required or ()) - tested):
            self.unknowns.append(f"The policy requires the suite {suite}, and none of its checks gave evidence.")
        self._weigh_untested_variants()

    def _weigh_untested_variants(self) -> None:
        """A quantized variant of which no check ran is not adopted on the evidence of other variants."""
        tested = {_quantization(check.variant) for check in self.checks if is_evidence(check.outcome)}
        for scheme in sorted({_quantization(check.variant) for check in self.checks} - tested - {NONE}):
            why = next(
                (check.summary for check in self.checks if _quantization(check.variant) == scheme and check.summary),
                "no reason given",
            )
            self.unknowns.append(f"No check of the variant {scheme} ran: {sentence(line(why))}")

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

    def _note_findings(self) -> None:
        for finding in self.findings:
            where = f"{finding['severity']} in {finding['check']}"
            if reason := finding.get("accepted"):
                self.notes.append(f"Accepted {where}: {sentence(line(reason))}")
            elif reason := finding.get("not_accepted"):
                self.notes.append(f"The {where} counts again: {sentence(reason)}")
            elif reason := finding.get("ignored"):
                self.notes.append(f"The policy ignores the {where}: {sentence(reason)}")

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

    def _without_evidence(self) -> str:
        if not self.checks:
            return "none ran"
        counts = Counter(check.outcome for check in self.checks)
        return f"{counts['unsupported']:,} could not run, {counts['error']:,} ended in an error"


def _joined(reasons: list[str]) -> list[str]:
    """One reason for the same finding that several uses have: `Not fit for chat, tools: ...`."""
    found: dict[tuple[str, str], list[str]] = {}
    for reason in reasons:
        opening, _, rest = reason.partition(": ")
        words, _, use = opening.partition(" for ")
        use, _, asked = use.partition(",")
        found.setdefault((f"{words} for {{}}{',' + asked if asked else ''}", rest), []).append(use)
    return [f"{opening.format(', '.join(names))}: {rest}" for (opening, rest), names in found.items()]


def _variants(checks: list[Check], planned: list[Json]) -> list[Json]:
    """The variants that load weights, in the order of the run."""
    found: list[Json] = []
    for variant in (*(entry.get("variant") for entry in planned), *(check.variant for check in checks)):
        if variant and variant not in found:
            found.append(variant)
    return found


def _quantization(variant: Json) -> str:
    return str(variant.get("quantization") or NONE)
