"""States of uses and the verdict that follows from them, as a table."""

from __future__ import annotations

from typing import Any

import pytest

from reports.records.outcomes import OUTCOMES
from reports.records.schema import Check
from reports.verdict.judge import exit_code, judge
from selftests.reports import trials


def made(name: str, outcome: str = "pass", uses: str = "chat", **fields: Any) -> Check:
    affects = fields.pop("affects", "")
    return trials.check(
        f"chat_templates/{name}", outcome, uses=uses.split(), affects=affects.split(), summary="It is so.", **fields
    )


def judged(
    *checks: Check, core: tuple[str, ...] = ("chat",), worst: dict[str, str] | None = None, **run: Any
) -> dict[str, Any]:
    trial = trials.trial(*checks, subjects=[trials.subject(core=list(core))], **run)
    for entry, check in zip(trial.plan, checks, strict=True):
        entry |= {"uses": check.uses, "worst": (worst or {}).get(check.check.partition("/")[2], "defect")}
    subject: dict[str, Any] = judge(trial)["subjects"][0]
    return subject


PASS, BLOCKED = made("a"), made("b", "unsupported", cause="blocked", settled_by="chat_templates/c")
HAZARD, DEFECT = made("d", "hazard"), made("c", "defect")
LIMIT = made("e", "unsupported", cause="missing", settled_by="pip install x")


@pytest.mark.parametrize(
    ("checks", "state", "verdict"),
    [
        ([PASS], "fit", "adopt"),
        ([PASS, made("b", "not_applicable")], "fit", "adopt"),
        ([PASS, HAZARD], "conditions", "adopt-with-conditions"),
        ([PASS, LIMIT], "conditions", "adopt-with-conditions"),
        ([PASS, HAZARD, DEFECT], "unfit", "reject"),
        ([PASS, BLOCKED], "conditions", "adopt-with-conditions"),
        ([PASS, BLOCKED, DEFECT], "unfit", "reject"),
        ([LIMIT], "untested", "inconclusive"),
        ([PASS, made("b", "error")], "untested", "inconclusive"),
    ],
)
def test_state_and_verdict_of_a_core_use(checks: list[Check], state: str, verdict: str) -> None:
    # a check of another use gives evidence, so that the verdict depends on this use alone
    subject = judged(*checks, made("z", uses="system"))
    assert (subject["uses"]["chat"]["state"], subject["verdict"]) == (state, verdict)


def test_what_nothing_applies_to_is_absent() -> None:
    subject = judged(PASS, made("b", "not_applicable", uses="tools"))
    assert (subject["uses"]["tools"]["state"], subject["verdict"]) == ("absent", "adopt")


def test_a_check_of_hazards_makes_no_use_untested() -> None:
    subject = judged(PASS, made("b", "unsupported", cause="missing"), worst={"b": "hazard"})
    assert (subject["uses"]["chat"]["state"], subject["verdict"]) == ("fit", "adopt")


def test_an_unfit_use_is_a_condition_until_it_is_asked_for() -> None:
    tools = made("c", "defect", uses="chat tools", affects="tools")
    assert judged(PASS, tools)["verdict"] == "adopt-with-conditions"
    asked = judged(PASS, tools, options={"use": ["tools"]})
    assert (asked["verdict"], asked["uses"]["tools"]["role"]) == ("reject", "required")


def test_a_use_that_is_asked_for_and_absent_rejects() -> None:
    assert judged(PASS, options={"use": ["tools"]})["verdict"] == "reject"


def test_further_findings_of_a_check_count() -> None:
    other = {"outcome": "defect", "summary": "Tools too.", "evidence": {}, "affects": ["tools"]}
    subject = judged(made("c", "hazard", uses="chat tools", affects="chat", others=[other]))
    assert [finding["uses"] for finding in subject["findings"]] == [["tools"], ["chat"]]
    assert subject["uses"]["tools"]["state"] == "unfit"


def test_hazards_of_the_library_condition_nothing_and_stand_once() -> None:
    finding = made("d", "hazard", about="library")
    trial = trials.trial(PASS, finding, subjects=[trials.subject(core=["chat"])])
    verdict = judge(trial)
    assert verdict["subjects"][0]["verdict"] == "adopt"
    assert [entry["check"] for entry in verdict["stack"]] == ["chat_templates/d"]


def test_a_defect_of_the_library_rejects_with_its_version() -> None:
    subject = judged(PASS, made("c", "defect", about="library"))
    assert subject["verdict"] == "reject"
    assert "with transformers 5.23.0" in subject["reasons"][0]


def test_a_part_of_a_trial_is_partial_and_rejects_like_a_whole_one() -> None:
    part = trials.trial(PASS, subjects=[trials.subject(core=["chat", "text"])], selection="-k a")
    assert (judge(part)["subjects"][0]["verdict"], exit_code(judge(part))) == ("partial", 0)
    wrong = trials.trial(DEFECT, subjects=[trials.subject(core=["chat"])], selection="-k c")
    assert (judge(wrong)["subjects"][0]["verdict"], exit_code(judge(wrong))) == ("reject", 1)


def test_a_defect_of_a_quantized_variant_leaves_the_full_model_fit() -> None:
    full = made("a", variant={"quantization": "none"})
    quantized = made("a", "defect", variant={"quantization": "nf4"})
    subject = judged(full, quantized)
    assert subject["uses"]["chat"]["state"] == "fit"
    assert subject["uses"]["quantization"]["state"] == "unfit"
    assert [each["verdict"] for each in subject["variants"]] == ["adopt", "reject"]


def test_an_acceptance_that_ended_counts_no_more() -> None:
    def accepted(until: str) -> dict[str, Any]:
        subject = trials.subject(
            core=["chat"],
            accepted={"chat_templates/c": "known"},
            accepted_until={"chat_templates/c": until},
        )
        found: dict[str, Any] = judge(trials.trial(DEFECT, PASS, subjects=[subject]))["subjects"][0]
        return found

    assert (accepted("2999-01-01")["verdict"], accepted("2020-01-01")["verdict"]) == ("adopt", "reject")


def test_every_outcome_is_counted() -> None:
    assert set(judged(PASS)["counts"]) == set(OUTCOMES)
