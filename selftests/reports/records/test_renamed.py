"""Older names and values of capabilities and metrics are read as the current ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reports.baseline import file
from reports.records import renamed, schema
from reports.records.capability_table import TABLE
from reports.records.metric_table import METRICS
from reports.records.policy import Policy
from reports.verdict.judge import judge
from selftests.reports import trials


@pytest.mark.parametrize(
    ("old", "current"),
    [
        ("chat.late_system", "chat.late_system_message"),
        ("chat.system_role", "chat.system_role"),
        ("tokenizers.unicode_coverage", "tokenizer.unicode_coverage"),
        ("tokenizers.*", "tokenizer.*"),
        ("pipelines.tasks", "pipelines.tasks"),
        ("pipelines.fill-mask", "pipelines.fill-mask.runs_through"),
        ("pipelines.*", "pipelines.*"),
        ("pipelines.fill-mask.bad_input", "pipelines.fill-mask.invalid_input"),
        ("pipelines.*.canaries_right", "pipelines.*.canary_accuracy"),
        ("acme.own", "acme.own"),
    ],
)
def test_names(old: str, current: str) -> None:
    assert renamed.name(old) == current


@pytest.mark.parametrize(
    ("name", "old", "current"),
    [
        ("chat.system_role", "merged", "merged into the user message"),
        ("chat.system_role", "supported", "supported"),
        ("chat.default_system_prompt", True, "yes"),
        ("chat.current_date", "pinned by date_string", "used unless date_string is passed"),
        ("chat.user_control_tokens", "become control ids by default (not all: <|x|>)",
         "parsed as control tokens by default (not all: <|x|>)"),
        ("tokenizer.lone_surrogates", ["dropped", "refused"], "dropped, refused"),
        ("tokenizer.malformed_lists_accepted", [], "nothing"),
        ("tokenizer.round_trip", "text as it is, white space not kept", "text unchanged, white space not preserved"),
        ("tokenizer.unicode_coverage", "99.9% of assigned characters (12 vanish)",
         "99.9% of assigned characters (12 give no token)"),
        ("tokenizer.vocabulary_size", 49152, 49152),
        ("integrity.license", None, "not stated"),
        ("pipelines.fill-mask.runs_through", "pipeline", "library pipeline"),
        ("quality.instructions", "3 of 8 kept", "3 of 8 followed"),
        ("acme.own", "merged", "merged"),
    ],
)  # fmt: skip
def test_values(name: str, old: Any, current: Any) -> None:
    assert renamed.value(name, old) == current


def test_current_names_and_values_pass_unchanged() -> None:
    names = {name.format(task="fill-mask", topic="science", text="code", kind="choice", metric="acc")
             for name in (*TABLE, *METRICS)}  # fmt: skip
    assert [name for name in names if renamed.name(name) != name] == []
    rules = {**renamed.VALUES, **{f"pipelines.x.{end}": each for end, each in renamed.PIPELINE_VALUES.items()}}
    new = [
        (name, value.replace(r"\1", "1 of 2").replace(r"\2", "")) for name in rules for value in rules[name].values()
    ]
    assert [(name, value) for name, value in new if renamed.value(name, value) != value] == []


def test_every_name_leads_to_a_name_of_the_tables() -> None:
    assert {*renamed.NAMES.values()} <= {*TABLE, *METRICS}
    assert {*renamed.VALUES} <= {*TABLE}


def test_a_manifest_and_a_policy_may_use_old_names() -> None:
    checks = [*trials.passing(), trials.check("chat_templates/capabilities", capabilities={
        "chat.date_in_prompt": {"value": "none"}, "chat.alternation": {"value": "not required"}})]  # fmt: skip
    for required, verdict in (("chat.alternation=free", "adopt"), ("chat.date_stamp=today", "reject")):
        trial = trials.trial(*checks, subjects=[trials.subject(required=[required])])
        (subject,) = judge(trial)["subjects"]
        assert subject["verdict"] == verdict
    policy = Policy.from_dict({"bounds": [{"metric": "tokenizers.unreachable_tokens", "max": 0.1, "reason": "r"}]})
    assert policy.bounds[0].metric == "tokenizer.unreachable_tokens"


OLD = {"chat.late_system": {"value": "breaks", "evidence": "x"}, "pipelines.fill-mask": {"value": "pipeline"}}
CURRENT = {"chat.late_system_message": "error", "pipelines.fill-mask.runs_through": "library pipeline"}


def test_older_records_and_baselines_are_read_under_current_names(tmp_path: Path) -> None:
    metric = trials.metric("tokenizers.unreachable_tokens", 0.1)
    trial = trials.trial(trials.check("chat_templates/renders", capabilities=OLD, metrics=[metric]))
    records = tmp_path / "records.jsonl"
    lines = [trial.run.line(), *(each.line() for each in (*trial.subjects, *trial.checks))]
    records.write_text("\n".join(lines) + "\n")
    (check,) = (each for each in schema.read(records) if isinstance(each, schema.Check))
    assert {name: fact["value"] for name, fact in check.capabilities.items()} == CURRENT
    assert check.capabilities["chat.late_system_message"]["evidence"] == "x"
    assert check.metrics[0]["name"] == "tokenizer.unreachable_tokens"
    file.save(trial, tmp_path / "old.baseline")
    (entry,) = file.load(tmp_path / "old.baseline")["checks"]
    assert (entry["capabilities"], entry["metrics"][0]["name"]) == (CURRENT, "tokenizer.unreachable_tokens")
