"""Baselines: kept whole, refused when tampered with, and compared without false alarms."""

from __future__ import annotations

import copy
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import baseline, html, markdown, terminal
from reports.records import Check, Json, Trial
from reports.verdict import judge
from selftests import trials


def changed(name: str, **fields: Any) -> Trial:
    """The healthy trial with one check replaced."""
    trial = trials.healthy()
    trial.checks = [dataclasses.replace(c, **fields) if c.check == name else c for c in trial.checks]
    return trial


def compare(after: Trial, before: Trial | None = None) -> list[Json]:
    return baseline.compare(baseline.snapshot(before or trials.healthy()), after)


def kinds(changes: list[Json]) -> list[str]:
    return [change["kind"] for change in changes]


@pytest.mark.parametrize("trial", [trials.healthy(), trials.rejected(), trials.several(), trials.killed()])
def test_saving_and_loading_changes_nothing(tmp_path: Path, trial: Trial) -> None:
    """What was saved is what is compared with; a run compared with itself shows no change."""
    baseline.save(trial, tmp_path / "deep" / "baseline.json")
    loaded = baseline.load(tmp_path / "deep" / "baseline.json")
    assert loaded == baseline.snapshot(trial)
    assert baseline.compare(loaded, trial) == []


def test_a_baseline_is_diffable(tmp_path: Path) -> None:
    """Saved twice, in another order of checks: the same text. One changed outcome: one changed line beside the sum."""
    one, other, edited = (tmp_path / name for name in ("one", "other", "edited"))
    shuffled = trials.healthy()
    shuffled.checks.reverse()
    baseline.save(trials.healthy(), one)
    baseline.save(shuffled, other)
    baseline.save(changed("integrity/weights-complete", outcome="hazard"), edited)
    assert one.read_text() == other.read_text()
    assert len(set(edited.read_text().splitlines()) - set(one.read_text().splitlines())) == 2


def test_a_baseline_of_a_thousand_checks_stays_small(tmp_path: Path) -> None:
    """Under a megabyte for one subject: baselines live in repositories."""
    checks = [dataclasses.replace(trials.passing()[5], parameters={"case": index}) for index in range(1_000)]
    baseline.save(trials.trial(*checks), tmp_path / "baseline.json")
    assert (tmp_path / "baseline.json").stat().st_size < 1_000_000


def truncated(text: str) -> str:
    return text[: len(text) // 2]


def edited(text: str) -> str:
    return text.replace('"pass"', '"defect"', 1)


def of_another_schema(text: str) -> str:
    return text.replace('"schema": 1', '"schema": 2')


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (truncated, "truncated"),
        (edited, "edited"),
        (of_another_schema, "schema 2"),
        (lambda _: "[]", "no baseline"),
        (lambda _: "\x00", "truncated"),
    ],
)
def test_damaged_baselines_are_refused(tmp_path: Path, damage: Any, said: str) -> None:
    """One sentence with the path, the cause and the mend."""
    path = tmp_path / "baseline.json"
    baseline.save(trials.healthy(), path)
    path.write_text(damage(path.read_text()))
    with pytest.raises(ValueError, match=r"baseline\.json .*--save-baseline") as refused:
        baseline.load(path)
    assert said in str(refused.value)


@given(position=st.integers(min_value=0), byte=st.integers(min_value=0, max_value=255))
def test_no_changed_byte_goes_unnoticed(position: int, byte: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The checksum covers the content: another byte is refused, or was only white space."""
    path = tmp_path_factory.mktemp("baseline") / "baseline.json"
    baseline.save(trials.conditional(), path)
    data = bytearray(path.read_bytes())
    data[position % len(data)] = byte
    path.write_bytes(data)
    try:
        assert baseline.load(path) == baseline.snapshot(trials.conditional())
    except ValueError as refused:
        assert str(path) in str(refused)  # noqa: PT017  either way is right


@pytest.mark.parametrize("outcome", ["hazard", "unsupported", "error", "defect"])
def test_a_check_that_passed_and_does_not_now(outcome: str) -> None:
    """Newly failing, with the sentence of the new outcome."""
    (change,) = compare(changed("integrity/weights-complete", outcome=outcome, summary="A tensor is missing."))
    assert change["kind"] == "newly failing"
    assert (change["before"], change["after"]) == ({"outcome": "pass"}, {"outcome": outcome})
    assert {"check", "subject", "summary"} <= set(change)
    assert "A tensor is missing." in change["summary"]


def test_a_mended_check_is_no_regression() -> None:
    """Better is not worse."""
    assert compare(trials.healthy(), before=changed("integrity/weights-complete", outcome="defect")) == []


@pytest.mark.parametrize("capabilities", [{}, {"chat.system_role": {"value": "dropped"}}])
def test_a_capability_lost_or_changed(capabilities: Json) -> None:
    """Both are regressions of something that an application may rely on."""
    changes = compare(changed("chat_templates/system-role", capabilities=capabilities))
    assert any("Capability chat.system_role was supported" in change["summary"] for change in baseline.worse(changes))


def test_a_capability_gained_is_a_note() -> None:
    """Good news is told and fails nothing."""
    role, calls = ({"value": "supported"}, {"value": "supported"})
    capabilities = {"chat.system_role": role, "chat.parallel_tool_calls": calls}
    assert kinds(compare(changed("chat_templates/system-role", capabilities=capabilities))) == ["note"]


def test_a_check_and_a_subject_that_disappeared() -> None:
    """A promise that nobody checks any more is not unchanged."""
    fewer = trials.healthy()
    fewer.checks = [check for check in fewer.checks if check.suite != "chat_templates"]
    assert kinds(compare(fewer)) == ["disappeared"]
    other = trials.trial(*trials.passing("acme/other"), subjects=[trials.subject("acme/other")])
    assert set(kinds(compare(other))) == {"disappeared"}


@pytest.mark.parametrize(
    ("value", "interval", "worse"),
    [
        (0.0200, [0.019, 0.021], True),
        (0.0120, [0.011, 0.013], False),
        (0.0050, [0.004, 0.006], False),
        (0.0200, None, True),
        (None, None, True),
    ],
)
def test_a_metric_beyond_noise(value: float | None, interval: list[float] | None, worse: bool) -> None:
    """0.0102 in [0.0091, 0.0113] before: worse only when both intervals are apart, in the worse direction."""
    after = changed("quantization/kl-divergence", metrics=[trials.metric(value=value, interval=interval)])
    before = changed("quantization/kl-divergence", metrics=[trials.metric()])
    assert kinds(compare(after, before)) == (["metric"] if worse else [])


def test_a_metric_needs_a_minimum_effect() -> None:
    """Exact numbers that differ by less than a hundredth are no news."""
    before, after = (
        changed("quantization/kl-divergence", metrics=[trials.metric(value=value, interval=None, better="higher")])
        for value in (100.0, 99.5)
    )
    assert compare(after, before) == []


@pytest.mark.parametrize(("value", "worse"), [(60.0, False), (40.0, True)])
def test_a_metric_may_name_a_larger_effect(value: float, worse: bool) -> None:
    """Speed on a shared machine: less than a halving is noise, whatever the intervals say."""
    speed = {"better": "higher", "interval": None, "effect": 0.5}
    before, after = (
        changed("quantization/kl-divergence", metrics=[trials.metric(value=each) | speed]) for each in (100.0, value)
    )
    assert kinds(compare(after, before)) == (["metric"] if worse else [])


def test_a_metric_over_another_input_is_not_compared() -> None:
    before, after = (
        changed(
            "quantization/kl-divergence", metrics=[trials.metric(value=value, interval=None) | {"version": str(value)}]
        )
        for value in (1.0, 2.0)
    )
    assert kinds(compare(after, before)) == ["note"]


def test_changed_files_are_a_note() -> None:
    """Said, and no reason to fail."""
    subject = trials.subject(fingerprint="sha256:" + "0" * 64)
    changes = compare(trials.trial(*trials.passing(), subjects=[subject]))
    assert kinds(changes) == ["note"]
    assert baseline.worse(changes) == []


@pytest.mark.parametrize("field", ["device", "profile"])
def test_another_device_or_profile_is_not_comparable(field: str) -> None:
    """Never 'unchanged', and nothing else is claimed either."""
    changed_run: dict[str, Any] = {field: "other"}
    other = trials.trial(*trials.passing()[:2], **changed_run)
    changes = compare(other)
    assert kinds(changes) == ["not comparable"]
    assert field in changes[0]["summary"]
    assert not baseline.comparable(changes)


def test_another_dtype_is_not_comparable() -> None:
    """Checks of the other dtype did not disappear, they were never asked for; the rest is compared."""
    after = trials.healthy()
    after.checks = [
        dataclasses.replace(check, variant=check.variant | {"dtype": "bfloat16"}) if check.variant else check
        for check in after.checks
    ]
    changes = compare(after)
    assert set(kinds(changes)) == {"not comparable"}
    assert "float32" in changes[0]["summary"]


def test_the_worst_record_of_a_key_is_kept() -> None:
    """A rerun that passed hides nothing."""
    twice: list[Check] = [trials.defect(), dataclasses.replace(trials.defect(), outcome="pass")]
    (entry,) = baseline.snapshot(trials.trial(*twice))["checks"]
    assert entry["outcome"] == "defect"


def test_comparing_leaves_both_sides_alone(tmp_path: Path) -> None:
    """Pure functions: the snapshot can be used again."""
    before = baseline.snapshot(trials.healthy())
    kept = copy.deepcopy(before)
    baseline.compare(before, trials.rejected())
    assert json.dumps(before) == json.dumps(kept)


def test_a_verdict_is_shown_with_what_became_worse() -> None:
    """Adopt in the headline and a failing exit status would contradict each other."""
    trial = trials.healthy()
    name = trial.subjects[0].name
    change = {"kind": "newly failing", "check": "a/b", "subject": name, "summary": "x", "before": 1, "after": 2}
    note = change | {"kind": baseline.NOTE}
    said = "1 change for the worse since the baseline"
    assert baseline.reservation(name, [change, note]) == said
    assert baseline.reservation(name, [note]) == baseline.reservation("another", [change]) == ""
    judged = judge(trial, [change])
    assert f"{name}: ADOPT, BUT {said}" in [line for line, _ in terminal.lines(trial, judged)]
    assert f"but {said}" in markdown.render(judged)
    assert f"Adopt, but {said}" in html.render(trial, judged, [change])
