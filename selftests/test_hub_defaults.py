"""`--models hub-defaults`: the registry's models, and one sentence without a network."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.files.source import SourceError
from fixtures.machine import library_versions
from fixtures.subjects import hub_defaults
from fixtures.subjects.subject import Trust
from selftests.running import run_pytest


def test_every_task_of_the_registry_has_a_default_model() -> None:
    models = library_versions.default_models()
    assert {*models} == {*library_versions.pipeline_classes()}
    assert all("/" in name and revision for name, revision in models.values())


def test_each_task_is_a_subject(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub_defaults, "unreachable", lambda: "")
    found = hub_defaults.subjects(Trust())
    assert len({subject.name for subject in found}) == len(found) == len(library_versions.default_models())
    assert all(subject.task and subject.source.kind == "hub" and subject.source.revision for subject in found)


def test_without_the_hub_it_is_one_sentence(tmp_path: Path) -> None:
    done = run_pytest("--models", "hub-defaults", report=tmp_path / "report", env={"HF_HOME": str(tmp_path)})
    assert done.code == 4
    told = [line for line in done.output.splitlines() if "hub-defaults" in line]
    assert len(told) == 1
    assert "HF_HUB_OFFLINE is set, and none of the default models is in the local Hub cache." in told[0]


def test_a_hub_that_does_not_answer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(hub_defaults, "_cached", lambda name, revision: False)
    with pytest.raises(SourceError, match=r"http://127.0.0.1:9 cannot be reached"):
        hub_defaults.subjects(Trust())
