"""The judge: every rule of the design with the smallest trial that meets it."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reports.records import to_json
from reports.records.outcomes import OUTCOMES
from reports.records.policy import Policy, with_defaults
from reports.records.run_records import RunRecords
from reports.records.schema import Check, End
from reports.records.to_json import Json
from reports.verdict.judge import exit_code, judge
from selftests.reports import trials

OUTCOME = st.sampled_from(sorted(OUTCOMES))
CHECKS = st.lists(st.builds(trials.check, st.sampled_from(sorted(trials.CATALOG)), OUTCOME), max_size=12)


def only(trial: RunRecords) -> Json:
    """The verdict on the one subject."""
    (subject,) = judge(trial)["subjects"]
    return dict(subject)


def reasons_of(subject: Json) -> str:
    return "\n".join(subject["reasons"])


@pytest.mark.parametrize(
    ("trial", "verdict", "code"),
    [
        (trials.healthy(), "adopt", 0),
        (trials.conditional(), "adopt-with-conditions", 0),
        (trials.rejected(), "reject", 1),
        (trials.killed(), "inconclusive", 1),
        (trials.unloadable(), "reject", 1),
        (trials.trial(), "inconclusive", 1),
        (trials.trial(trials.unsupported()), "inconclusive", 1),
    ],
)
def test_each_kind_of_trial_gets_its_verdict(trial: RunRecords, verdict: str, code: int) -> None:
    """Verdict and exit code of the sample trials."""
    judged = judge(trial)
    assert (judged["subjects"][0]["verdict"], exit_code(judged)) == (verdict, code)
    assert all(reason.endswith(".") for reason in judged["subjects"][0]["reasons"])


def test_a_run_without_subjects_is_no_success() -> None:
    """A green run that tried nothing must be impossible."""
    assert exit_code(judge(trials.trial(subjects=[]))) == 1


@example(checks=[trials.hazard(), dataclasses.replace(trials.hazard(), outcome="defect")], ended=True, strict=False)
@given(checks=CHECKS, ended=st.booleans(), strict=st.booleans())
def test_the_judge_never_adopts_against_the_evidence(checks: list[Check], ended: bool, strict: bool) -> None:
    """Adoption needs an end, evidence, no defect and no error; every verdict has reasons."""
    trial = trials.trial(*checks, ended=ended, options={"strict": strict})
    subject = only(trial)
    outcomes = {check.outcome for check in checks}
    if subject["verdict"].startswith("adopt"):
        assert ended
        assert outcomes & {"pass", "hazard"}
        assert not outcomes & {"defect", "error"}
        assert not (strict and "hazard" in outcomes)
    if subject["verdict"] == "adopt":
        assert outcomes <= {"pass", "not_applicable"}
    if "defect" in outcomes:
        assert subject["verdict"] == "reject"
    assert subject["reasons"]
    assert sum(subject["counts"].values()) == len(checks)
    to_json.dumps(judge(trial))


def test_verdict_json_has_the_shape_of_the_design() -> None:
    """Names of fields are a contract with every reader of verdict.json."""
    judged = judge(trials.rejected())
    assert set(judged) == {"schema", "run", "stack", "subjects", "regressions"}
    assert judged["schema"] == 2
    run = {"started", "finished", "complete", "selection", "profile", "seed", "device", "versions"}
    assert run <= set(judged["run"])
    subject = judged["subjects"][0]
    of_verdict = {"subject", "verdict", "reasons", "uses", "variants", "counts"}
    assert set(subject) == of_verdict | {"findings", "capabilities", "metrics"}
    assert set(subject["uses"]["loading"]) == {"role", "state", "tested", "planned", "reasons", "next"}
    assert {"source", "revision", "fingerprint", "architecture", "parameters"} <= set(subject["subject"])
    fields = {"check", "severity", "about", "uses", "variant", "summary", "evidence", "fix", "reproduce"}
    assert all(fields <= set(finding) for finding in subject["findings"])
    assert subject["capabilities"]["chat.system_role"] == "supported"
    metric = subject["metrics"][0]
    assert {"name", "variant", "value", "unit", "better", "samples", "interval"} <= set(metric)


def test_a_subject_that_cannot_be_loaded_is_rejected_with_the_file_and_the_fix() -> None:
    """The problem becomes a finding of integrity/loads, and no traceback."""
    (finding,) = only(trials.unloadable())["findings"]
    assert (finding["check"], finding["severity"]) == ("integrity/loads", "defect")
    assert finding["evidence"]["file"].endswith(".safetensors")
    assert "Upload" in finding["fix"]


def test_findings_come_defects_first_and_once() -> None:
    """The same sentence about the same variant at other parameters is one finding."""
    hazards = [dataclasses.replace(trials.hazard(), parameters={"turns": turns}) for turns in (1, 2, 3)]
    findings = only(trials.trial(*hazards, trials.defect()))["findings"]
    assert [(finding["severity"], finding.get("times", 1)) for finding in findings] == [("defect", 1), ("hazard", 3)]


def test_fix_falls_back_to_the_catalog() -> None:
    """A finding without a fix of its own has the one of the check's docstring."""
    (finding,) = only(trials.trial(trials.hazard()))["findings"]
    assert finding["fix"] == trials.CATALOG["chat_templates/one-bos"]["fix"]


def test_accepted_findings_do_not_decide() -> None:
    """They stay listed, with the reason."""
    subject = trials.subject(accepted={"integrity/weights-complete": "lm_head is tied at load time"})
    judged = only(trials.trial(*trials.passing()[:3], trials.defect(), subjects=[subject]))
    assert judged["verdict"] == "adopt"
    assert judged["findings"][0]["accepted"] == "lm_head is tied at load time"
    assert "lm_head is tied at load time" in reasons_of(judged)


@pytest.mark.parametrize(
    ("accepted", "message"), [("tokenizers/round-trip", "did not occur"), ("a/b", "was not tested")]
)
def test_accepted_findings_that_match_nothing_are_reported(accepted: str, message: str) -> None:
    """An entry that outlived its finding would hide the next one."""
    judged = only(trials.trial(*trials.passing(), subjects=[trials.subject(accepted={accepted: "known"})]))
    assert judged["verdict"] == "adopt"
    assert message in reasons_of(judged)


def test_strict_makes_hazards_reject() -> None:
    """With --strict hazards count as defects."""
    judged = only(trials.trial(*trials.passing(), trials.hazard(), options={"strict": True}))
    assert judged["verdict"] == "reject"
    assert "Not fit for loading: chat_templates/one-bos" in reasons_of(judged)


def test_a_defect_in_a_run_cut_short_rejects_and_says_both() -> None:
    """Findings of an unfinished run count."""
    judged = only(trials.trial(trials.defect(), ended=False))
    assert judged["verdict"] == "reject"
    assert "Not fit for loading: integrity/weights-complete" in reasons_of(judged)
    assert "cut short" in reasons_of(judged)


@pytest.mark.parametrize("status", [2, 3, 4])
def test_an_interrupted_run_is_inconclusive(status: int) -> None:
    """Interrupted with Ctrl-C, or by an error of pytest itself."""
    trial = trials.healthy()
    trial.end = End("2026-11-22T15:05:17Z", status)
    assert only(trial)["verdict"] == "inconclusive"


def policy(**fields: Any) -> RunRecords:
    return trials.trial(*trials.passing(), trials.hazard(), policy=fields)


@pytest.mark.parametrize(
    ("level", "verdict", "message"),
    [
        ("ignore", "adopt", "The policy ignores the hazard"),
        ("hazard", "adopt-with-conditions", "Condition for loading: chat_templates/one-bos"),
        ("defect", "reject", "Not fit for loading: chat_templates/one-bos"),
    ],
)
def test_the_policy_grades_findings(level: str, verdict: str, message: str) -> None:
    """The policy decides how findings of a check count."""
    judged = only(policy(severity={"chat_templates/one-bos": {"as": level, "reason": "we render ids"}}))
    assert judged["verdict"] == verdict
    assert message in reasons_of(judged)


@pytest.mark.parametrize(
    ("limits", "verdict", "message"),
    [
        ({"max": 0.05}, "adopt", "none found a problem"),
        ({"max": 0.009}, "reject", "at most 0.009"),
        ({"max": 0.01}, "inconclusive", "Not enough data"),
        ({"max": 0.011}, "adopt-with-conditions", "not enough data"),
        ({"min": 0.5}, "reject", "at least 0.5"),
    ],
)
def test_bounds_use_the_interval(limits: Json, verdict: str, message: str) -> None:
    """0.0102 with an interval from 0.0091 to 0.0113: only a whole interval beyond the bound rejects."""
    bound = {"metric": "quantization.kl_divergence", "reason": "quality"} | limits
    judged = only(trials.trial(*trials.passing(), policy={"bounds": [bound]}))
    assert judged["verdict"] == verdict
    assert message in reasons_of(judged)


@pytest.mark.parametrize(("value", "verdict"), [(0.04, "adopt"), (0.06, "reject"), (None, "inconclusive")])
def test_bounds_of_exact_and_of_impossible_values(value: float | None, verdict: str) -> None:
    """Without an interval the value decides; what is no number decides nothing."""
    metrics = [trials.metric(value=value, interval=None)]
    bound = {"metric": "quantization.kl_divergence", "max": 0.05, "reason": "quality"}
    check = trials.check("quantization/kl-divergence", metrics=metrics)
    assert only(trials.trial(check, policy={"bounds": [bound]}))["verdict"] == verdict


def test_a_bound_that_nothing_measured_is_a_condition() -> None:
    """The policy asks for a metric that no check recorded."""
    bound = {"metric": "quality.perplexity", "max": 20, "reason": "quality"}
    judged = only(trials.trial(*trials.passing(), policy={"bounds": [bound]}))
    assert judged["verdict"] == "adopt-with-conditions"
    assert "was not measured" in reasons_of(judged)


def test_an_error_leaves_its_uses_untested() -> None:
    """A check that crashed says nothing about the model."""
    judged = only(trials.trial(*trials.passing()[:3], trials.error()))
    assert judged["verdict"] == "inconclusive"
    assert judged["uses"]["loading"]["state"] == "untested"


@pytest.mark.parametrize("checks", [trials.passing(), [*trials.passing()[:2], trials.unsupported()]])
def test_a_required_suite_without_evidence_is_inconclusive(checks: list[Check]) -> None:
    """Never planned, or wholly unsupported."""
    required = ["tokenizers", "pipelines" if len(checks) > 3 else "generation"]
    assert only(trials.trial(*checks, policy={"required": required}))["verdict"] == "inconclusive"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"severities": {}}, "unknown key 'policy.severities'; allowed: bounds, required, severity, uses. Did you"),
        ({"uses": ["tool"]}, "policy.uses: unknown use 'tool'"),
        ({"severity": {"a/b": {"is": "hazard", "reason": "x"}}}, "unknown key 'policy.severity.a/b.is'"),
        ({"severity": {"a/b": {"as": "fatal", "reason": "x"}}}, "expected one of ignore, hazard, defect, not 'fatal'"),
        ({"severity": {"a/b": {"as": "hazard"}}}, "policy.severity.a/b.reason: needs a reason"),
        ({"severity": {"a/b": {"as": "hazard", "reason": " "}}}, "needs a reason"),
        ({"severity": ["a/b"]}, "policy.severity: expected a table of check ids"),
        ({"bounds": [{"metric": "m", "maximum": 1, "reason": "x"}]}, "unknown key 'policy.bounds.0.maximum'"),
        ({"bounds": [{"metric": "m", "reason": "x"}]}, "policy.bounds.0: a bound needs min or max"),
        ({"bounds": [{"metric": "m", "max": "1", "reason": "x"}]}, "policy.bounds.0.max: expected a finite number"),
        ({"bounds": [{"metric": "m", "max": math.nan, "reason": "x"}]}, "expected a finite number"),
        ({"bounds": [{"metric": "m", "min": 2, "max": 1, "reason": "x"}]}, "min is above max"),
        ({"bounds": [{"max": 1, "reason": "x"}]}, "policy.bounds.0.metric: expected the name"),
        ({"bounds": [{"metric": "m", "max": 1, "reason": "x", "better": "more"}]}, "expected one of lower, higher"),
        ({"bounds": [{"metric": "m", "max": 1, "reason": "x", "counts": 1}]}, "expected one of rejection, condition"),
        ({"bounds": [{"metric": "m", "max": 1, "reason": "x", "device": 1}]}, "a name or a list of names"),
        ({"bounds": [{"metric": "m", "max": 1, "reason": "x", "only_if_measured": 1}]}, "expected true or false"),
        ({"bounds": {"metric": "m"}}, "policy.bounds: expected a list of tables"),
        ({"required": "tokenizers"}, "policy.required: expected a list of suite names"),
        ({"bounds": ["m"]}, "policy.bounds.0: expected a table"),
        ([], "policy: expected a table"),
    ],
)
def test_a_wrong_policy_is_refused_by_the_name_of_its_key(data: Any, message: str) -> None:
    """A misspelled key must not silently loosen the verdict."""
    with pytest.raises(ValueError, match="policy") as refused:
        Policy.from_dict(data)
    assert message in str(refused.value)


def test_users_do_not_mark_bounds_as_default() -> None:
    """Records hold this mark; in a user's policy it would loosen the bound."""
    bounds = {"bounds": [{"metric": "m", "max": 1, "reason": "x", "default": True}]}
    assert Policy.from_dict(bounds).bounds[0].default
    with pytest.raises(ValueError, match=r"unknown key 'bounds\.0\.default'"):
        Policy.from_dict(bounds, "", of_user=True)


def test_an_empty_list_of_required_suites_requires_every_suite() -> None:
    """As if the key was missing: a policy that requires nothing would adopt anything."""
    assert Policy.from_dict(with_defaults({"required": []}, {})).required is None


def test_required_capabilities_of_the_manifest() -> None:
    """Absent ones reject, unprobed ones leave it open."""
    verdicts = {
        name: only(trials.trial(*trials.passing(), subjects=[trials.subject(required=[name])]))["verdict"]
        for name in ("chat.system_role", "chat.parallel_tool_calls", "chat.parallel_tool_calls=unsupported", "chat.x")
    }
    assert list(verdicts.values()) == ["adopt", "reject", "adopt", "inconclusive"]


def test_capabilities_that_differ_between_variants_name_them() -> None:
    """One word for two answers would be wrong."""
    checks = [
        trials.check("generation/cache", variant={"dtype": dtype}, capabilities={"cache": {"value": value}})
        for dtype, value in (("float32", "kept"), ("bfloat16", "lost"))
    ]
    assert only(trials.trial(*checks))["capabilities"]["cache"] == "kept (float32); lost (bfloat16)"


def bounded(metric: Json, *bounds: Json, quantization: str = "nf4") -> Json:
    """The verdict on a subject with one metric of one variant, under these bounds."""
    check = trials.check("quantization/distribution-kept", variant={"device": "cuda:0", "quantization": quantization},
                         metrics=[{"unit": "", "better": "lower", "samples": 9} | metric])  # fmt: skip
    return only(trials.trial(check, policy={"bounds": [{"reason": "r"} | bound for bound in bounds]}))


WIDE = {"name": "quantization.kl_divergence", "value": 0.5, "interval": [0.4, 0.6]}


@pytest.mark.parametrize(
    ("bounds", "verdict"),
    [
        ([{"max": 0.1}], "reject"),
        ([{"max": 0.1, "quantization": "int8"}], "adopt-with-conditions"),  # of int8 nothing was measured
        ([{"max": 0.1, "quantization": "int8", "only_if_measured": True}], "adopt"),
        ([{"max": 0.1, "quantization": ["int8", "nf4"]}], "reject"),
        ([{"max": 0.1, "device": "cuda"}], "reject"),
        ([{"max": 0.1, "device": "cpu", "only_if_measured": True}], "adopt"),
        ([{"max": 0.1, "counts": "condition"}], "adopt-with-conditions"),
        ([{"max": 0.45}], "inconclusive"),
        ([{"max": 0.45, "default": True}], "adopt-with-conditions"),
        ([{"max": 0.55, "default": True}], "adopt"),
        ([{"max": 0.1, "default": True}, {"max": 0.9}], "adopt"),  # the user's own takes the default one's place
        ([{"max": 0.1, "default": True}, {"max": 0.9, "quantization": "int8", "only_if_measured": True}], "reject"),
        ([{"max": 0.1, "subject": "another"}], "adopt"),
    ],
)
def test_bounds_know_variants_and_defaults(bounds: list[Json], verdict: str) -> None:
    found = bounded(WIDE, *({"metric": "quantization.kl_divergence"} | bound for bound in bounds))
    assert found["verdict"] == verdict, found["reasons"]


def test_a_bound_may_be_about_several_metrics() -> None:
    metric = {"name": "quantization.accuracy_change.choice", "value": -0.4, "interval": [-0.5, -0.3]}
    assert bounded(metric, {"metric": "quantization.accuracy_change.*", "min": -0.1})["verdict"] == "reject"


def test_a_quantized_variant_that_never_ran_is_named() -> None:
    """The evidence of the full model says nothing about fp4."""
    ran, untried = trials.healthy(), dataclasses.replace(trials.unsupported(), variant={"quantization": "fp4"})
    subject = only(dataclasses.replace(ran, checks=[*ran.checks, untried]))
    assert subject["verdict"] == "inconclusive"
    assert "No check of the variant fp4 ran" in reasons_of(subject)
