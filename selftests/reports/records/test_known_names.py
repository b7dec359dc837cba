"""Names in policies and manifests: known ones pass, unknown ones get a sentence with the nearest."""

from __future__ import annotations

from typing import Any

import pytest

from fixtures.session import descriptions
from fixtures.session.policy_tables import DEFAULT_POLICY
from fixtures.session.toml_files import read_toml
from reports.records.capabilities import is_metric
from reports.records.known_names import Names, unknown_capabilities, unknown_in_policy, unknown_uses
from reports.records.policy import Policy
from selftests.suites.catalogue import check_files

NAMES = Names(**descriptions.known_names([]))  # type: ignore[arg-type]


def problems(**table: Any) -> list[str]:
    return list(unknown_in_policy(Policy.from_dict(table), "", NAMES))


def test_the_names_of_all_checks_are_known_without_importing_them() -> None:
    assert {*NAMES.checks} == {*check_files()}


def test_the_default_policy_has_known_names() -> None:
    assert problems(bounds=read_toml(DEFAULT_POLICY)["bounds"]) == []


@pytest.mark.parametrize(
    "name", ["quality.perplexity", "quality.*", "pipelines.*.canary_accuracy", "quality.accuracy.mine"]
)
def test_metrics_and_patterns(name: str) -> None:
    assert is_metric(name)


@pytest.mark.parametrize("name", ["perplexity", "qualty.*", "quality.accuracy"])
def test_no_metrics(name: str) -> None:
    assert not is_metric(name)


def test_unknown_names_are_reported_with_the_nearest() -> None:
    severity = {"loads": {"as": "hazard", "reason": "r"}, "elsewhere/mine": {"as": "hazard", "reason": "r"}}
    bound = {"metric": "perplexity", "device": "gpu", "max": 1, "reason": "r"}
    assert problems(severity=severity, bounds=[bound], required=["integrty"]) == [
        "severity: there is no check 'loads'. Did you mean 'integrity/loads'?",
        "required: there is no suite 'integrty'. Did you mean 'integrity'?",
        "bounds.0.metric: there is no metric 'perplexity'. Did you mean 'quality.perplexity' or "
        "'quantization.perplexity_ratio'?",
        "bounds.0.device: there is no device 'gpu'. Did you mean 'cuda'?",
    ]


def test_capabilities_by_current_and_old_names() -> None:
    required = ["chat.tools", "chat.alternation=free", "chat.tool_form", "pipelines.fill-mask.runs_through"]
    assert list(unknown_capabilities({"k": required})) == []
    assert list(unknown_capabilities({"k": ["chat.telepathy"]})) == ["k: there is no capability 'chat.telepathy'."]


def test_uses() -> None:
    assert list(unknown_uses("--use", ["tools", "task:fill-mask"], NAMES.tasks)) == []
    assert [text.partition("Did")[2] for text in unknown_uses("--use", ["tool", "task:fill-msk"], NAMES.tasks)] == [
        " you mean 'tools'?",
        " you mean 'task:fill-mask'?",
    ]
