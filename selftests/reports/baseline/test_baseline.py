"""Baselines: saved completely, refused if edited, and compared without false alarms."""

from __future__ import annotations

import copy
import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import html
from reports.baseline import file as baseline_file
from reports.baseline.kinds import NOTE, comparable, reservation, worse
from reports.output import markdown, terminal
from reports.records import sequences
from reports.records.run_records import RunRecords
from reports.records.schema import Check
from reports.records.to_json import Json
from reports.verdict.judge import judge
from selftests.reports import trials


def changed(name: str, **fields: Any) -> RunRecords:
    """The healthy trial with one check replaced."""
    trial = trials.healthy()
    trial.checks = [dataclasses.replace(c, **fields) if c.check == name else c for c in trial.checks]
    return trial


def compare(after: RunRecords, before: RunRecords | None = None) -> list[Json]:
    return baseline_file.compare(baseline_file.snapshot(before or trials.healthy()), after)


def kinds(changes: list[Json]) -> list[str]:
    return [change["kind"] for change in changes]


@pytest.mark.parametrize("trial", [trials.healthy(), trials.rejected(), trials.several(), trials.killed()])
def test_saving_and_loading_changes_nothing(tmp_path: Path, trial: RunRecords) -> None:
    """A saved baseline loads unchanged; a run compared with itself shows no change."""
    baseline_file.save(trial, tmp_path / "deep" / "baseline.json")
    loaded = baseline_file.load(tmp_path / "deep" / "baseline.json")
    assert loaded == baseline_file.snapshot(trial)
    assert baseline_file.compare(loaded, trial) == []


def test_a_baseline_is_diffable(tmp_path: Path) -> None:
    """The order of checks does not matter; a changed outcome is one changed line and the checksum."""
    one, other, edited = (tmp_path / name for name in ("one", "other", "edited"))
    shuffled = trials.healthy()
    shuffled.checks.reverse()
    baseline_file.save(trials.healthy(), one)
    baseline_file.save(shuffled, other)
    baseline_file.save(changed("integrity/weights-complete", outcome="hazard"), edited)
    assert one.read_text() == other.read_text()
    assert len(set(edited.read_text().splitlines()) - set(one.read_text().splitlines())) == 2


def test_a_baseline_of_a_thousand_checks_stays_small(tmp_path: Path) -> None:
    """Under a megabyte for one subject: baselines live in repositories."""
    checks = [dataclasses.replace(trials.passing()[5], parameters={"case": index}) for index in range(1_000)]
    baseline_file.save(trials.trial(*checks), tmp_path / "baseline.json")
    assert (tmp_path / "baseline.json").stat().st_size < 1_000_000


def truncated(text: str) -> str:
    return text[: len(text) // 2]


def edited(text: str) -> str:
    return text.replace('"pass"', '"defect"', 1)


def of_another_schema(text: str) -> str:
    return text.replace('{"baseline": 2', '{"baseline": 3')


def conflicting(text: str) -> str:
    """A merge conflict of git between two saved baselines."""
    lines = text.splitlines(keepends=True)
    return "".join([*lines[:3], "<<<<<<< HEAD\n", lines[3], "=======\n", lines[3], ">>>>>>> main\n", *lines[4:]])


def without_its_end(text: str) -> str:
    return "".join(text.splitlines(keepends=True)[:-1])


def without_a_line(text: str) -> str:
    return "".join(line for number, line in enumerate(text.splitlines(keepends=True)) if number != 3)


def of_the_first_form(text: str) -> str:
    return '{\n "checks": [],\n "checksum": "sha256:0",\n "schema": 1\n}\n'


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (truncated, "truncated"),
        (edited, "edited"),
        (of_another_schema, "schema 3"),
        (conflicting, "merge conflict; take the file of one side or save it again with --save-baseline."),
        (without_its_end, "truncated"),
        (without_a_line, "truncated"),
        (of_the_first_form, "older version"),
        (lambda _: "[]", "no baseline"),
        (lambda _: "\x00", "no baseline"),
        (lambda _: "", "no baseline"),
        (lambda _: "Dear reader,\nthis is a letter.\n", "no baseline"),
    ],
)
def test_damaged_baselines_are_refused(tmp_path: Path, damage: Any, message: str) -> None:
    """One sentence with the path, the cause and the fix."""
    path = tmp_path / "baseline.json"
    baseline_file.save(trials.healthy(), path)
    path.write_text(damage(path.read_text()))
    with pytest.raises(ValueError, match=r"baseline\.json .*--save-baseline") as refused:
        baseline_file.load(path)
    assert message in str(refused.value)


@given(position=st.integers(min_value=0), byte=st.integers(min_value=0, max_value=255))
def test_no_changed_byte_goes_unnoticed(position: int, byte: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The checksum covers the content: another byte is refused, or was only white space."""
    path = tmp_path_factory.mktemp("baseline") / "baseline.json"
    baseline_file.save(trials.conditional(), path)
    data = bytearray(path.read_bytes())
    data[position % len(data)] = byte
    path.write_bytes(data)
    try:
        assert baseline_file.load(path) == baseline_file.snapshot(trials.conditional())
    except ValueError as refused:
        assert str(path) in str(refused)  # noqa: PT017  either way is right


def foreign(change: Any) -> str:
    """A baseline with a right checksum that seatrial did not write."""
    content = baseline_file.snapshot(trials.healthy())
    content["checks"][0]["sequences"] = {"ids": {"version": "1", "rules": {}, "packed": sequences.pack({"a/0": [1]})}}
    content["checks"][0]["kept"] = {
        "message": {"kind": "renders", "version": "1", "tolerance": 0, "values": {"a": "b"}}
    }
    change(content)
    lines = [json.dumps(line) if not isinstance(line, str) else line for line in baseline_file._lines(content)]
    return "\n".join([*lines, json.dumps({"checksum": baseline_file._checksum(lines), "lines": len(lines)})]) + "\n"


def nested(content: Json) -> None:
    content["run"]["versions"] = {"torch": "@"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: None, ""),
        (lambda content: content["checks"][0].update(subject="nobody"), "of a subject that it does not hold"),
        (lambda content: content["checks"][0].update(outcome="splendid"), "is unknown"),
        (lambda content: content["checks"][0].update(summary=5), "summary is a number"),
        (lambda content: content["checks"][0]["sequences"]["ids"].update(packed="abcde"), "error"),
        (lambda content: content["checks"][0]["sequences"]["ids"].update(packed=sequences.pack([1])), "no lists"),
        (lambda content: content["checks"][0]["kept"]["message"].update(kind="songs"), "KeyError"),
        (lambda content: content["checks"][0]["kept"]["message"].update(values={"a": 5}), "wrong fields"),
        (lambda content: content["checks"][0].update(metrics=[{"name": "x"}]), "is missing"),
        (lambda content: content["run"].pop("device"), "TypeError"),
        (nested, "is no baseline"),
    ],
)
def test_a_right_checksum_does_not_make_a_baseline(tmp_path: Path, change: Any, message: str) -> None:
    """A file of a script or another tool is refused in one sentence, before it is compared."""
    path = tmp_path / "baseline.json"
    text = foreign(change)
    if change is nested:
        lines = text.replace('"@"', "[" * 90 + "]" * 90).splitlines()[:-1]
        text = "\n".join([*lines, json.dumps({"checksum": baseline_file._checksum(lines), "lines": len(lines)})]) + "\n"
    path.write_text(text, encoding="utf-8")
    if not message:
        baseline_file.load(path)
        return
    with pytest.raises(ValueError, match=r"save it again") as refused:
        baseline_file.load(path)
    assert message in str(refused.value)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("outcome", ["hazard", "error", "defect"])
def test_a_check_that_passed_and_does_not_now(outcome: str) -> None:
    """Newly failing, with the sentence of the new outcome."""
    (change,) = compare(changed("integrity/weights-complete", outcome=outcome, summary="A tensor is missing."))
    assert change["kind"] == "newly failing"
    assert (change["before"], change["after"]) == ({"outcome": "pass"}, {"outcome": outcome})
    assert {"check", "subject", "summary"} <= set(change)
    assert "A tensor is missing." in change["summary"]


def test_a_fixed_check_is_reported_and_no_regression() -> None:
    """Better is not worse."""
    changes = compare(trials.healthy(), before=changed("integrity/weights-complete", outcome="defect"))
    assert kinds(changes) == ["newly passing"]
    assert worse(changes) == []


def test_what_cannot_be_tried_any_more_is_not_called_failing() -> None:
    """Lost evidence is reported, with the reason, which may be the library."""
    reason = "transformers 5.23.0 has no pipeline for summarization"
    (change,) = compare(changed("integrity/weights-complete", outcome="unsupported", summary=reason))
    assert change["kind"] == "no longer tried"
    assert change["summary"] == f"Was pass, could not run now: {reason}."


@pytest.mark.parametrize("outcome", ["pass", "defect"])
def test_what_could_not_be_tried_before_is_no_regression(outcome: str) -> None:
    """A check that could not run with an older library is no evidence of a change."""
    before = changed("integrity/weights-complete", outcome="unsupported", summary="needs transformers 5")
    (change,) = changes = compare(changed("integrity/weights-complete", outcome=outcome, summary="x"), before)
    assert change["kind"] == "newly tried"
    assert "needs transformers 5" in change["summary"]
    assert worse(changes) == []


@pytest.mark.parametrize(
    ("schema", "fingerprint", "was", "now", "kind"),
    [
        (2, "sha256:a", "pass", "not_applicable", "no longer tried"),
        (2, "sha256:b", "pass", "not_applicable", "note"),  # other files may have nothing to test
        (1, "sha256:a", "pass", "not_applicable", "note"),  # older versions let checks pass that had nothing to test
        (2, "sha256:a", "defect", "not_applicable", "note"),
        (2, "sha256:a", "unsupported", "not_applicable", "note"),
        (2, "sha256:a", "not_applicable", "pass", "newly tried"),
        (2, "sha256:a", "not_applicable", "unsupported", "note"),
        (2, "sha256:a", "not_applicable", "defect", "newly failing"),
    ],
)
def test_nothing_to_test_is_a_regression_only_with_the_same_files(
    schema: int, fingerprint: str, was: str, now: str, kind: str
) -> None:
    before, after = (changed("integrity/weights-complete", outcome=each, summary="no cache") for each in (was, now))
    before.run = dataclasses.replace(before.run, schema=schema)
    before.subjects = [dataclasses.replace(before.subjects[0], fingerprint="sha256:a")]
    after.subjects = [dataclasses.replace(after.subjects[0], fingerprint=fingerprint)]
    (change,) = [each for each in compare(after, before) if each["check"]]
    assert change["kind"] == kind


def test_another_reason_for_the_same_outcome_is_a_note() -> None:
    """Figures alone are no other reason: they differ between runs."""
    one, same, other = (
        changed("integrity/weights-complete", outcome="defect", summary=summary)
        for summary in ("3 tensors are missing.", "4 tensors are missing.", "A tensor has another shape.")
    )
    assert compare(same, one) == []
    assert kinds(compare(other, one)) == ["note"]


def test_a_change_seen_by_many_checks_is_reported_once() -> None:
    """A subject that no longer loads, or a task that is gone, is one change with the names of the checks."""
    after = trials.healthy()
    reason: dict[str, Any] = {"outcome": "unsupported", "summary": "the subject does not load, see integrity/loads"}
    after.checks = [
        dataclasses.replace(c, **reason) if c.check in ("integrity/weights-complete", "generation/greedy-deterministic")
        else c for c in after.checks
    ]  # fmt: skip
    (change,) = compare(after)
    assert sorted(change["checks"]) == ["generation/greedy-deterministic", "integrity/weights-complete"]
    assert change["summary"].startswith("2 checks (")


@pytest.mark.parametrize("capabilities", [{}, {"chat.system_role": {"value": "dropped"}}])
def test_a_capability_lost_or_changed(capabilities: Json) -> None:
    """Both are regressions of something that an application may rely on."""
    changes = compare(changed("chat_templates/system-role", capabilities=capabilities))
    assert any("System message (chat.system_role) was supported" in change["summary"] for change in worse(changes))


def test_a_capability_gained_is_no_regression() -> None:
    """Good news is reported and fails nothing."""
    role, calls = ({"value": "supported"}, {"value": "supported"})
    capabilities = {"chat.system_role": role, "chat.parallel_tool_calls": calls}
    changes = compare(changed("chat_templates/system-role", capabilities=capabilities))
    assert kinds(changes) == ["capability gained"]
    assert worse(changes) == []


@pytest.mark.parametrize(
    ("name", "was", "now", "kind"),
    [
        ("chat.system_role", "supported", "dropped", "capability lost"),
        ("chat.system_role", "dropped", "supported", "capability gained"),
        ("chat.system_role", "supported", "merged into the user message", "capability changed"),
        ("chat.rejected_conversations", "nothing", "a system message", "capability lost"),
        ("chat.rejected_conversations", "a system message", "nothing", "capability gained"),
        ("tokenizer.overridden_components", "nothing", "pre_tokenizer", "capability changed"),
        ("integrity.tensors_compared", 40, 8, "note"),
        ("integrity.unknown_config_keys", 0, 1, "note"),
        ("generation.cache", True, False, "capability lost"),
        ("generation.cache", None, "dynamic", "capability gained"),
    ],
)
def test_capabilities_are_lost_gained_or_changed(name: str, was: Any, now: Any, kind: str) -> None:
    """Counts are notes, and rejecting nothing is better."""
    sides = [changed("chat_templates/system-role", capabilities={name: {"value": value}}) for value in (was, now)]
    assert kinds(compare(sides[1], sides[0])) == [kind]


def test_a_check_and_a_subject_that_disappeared() -> None:
    """A check that no longer runs is a change."""
    fewer = trials.healthy()
    fewer.checks = [check for check in fewer.checks if check.suite != "chat_templates"]
    assert kinds(compare(fewer)) == ["disappeared"]
    other = trials.trial(*trials.passing("acme/other"), subjects=[trials.subject("acme/other")])
    assert kinds(compare(other)) == ["disappeared", "appeared"]


@pytest.mark.parametrize(
    ("value", "interval", "worse"),
    [
        (0.0200, [0.019, 0.021], True),
        (0.0120, [0.011, 0.013], False),
        (0.0050, [0.004, 0.006], None),
        (0.0200, None, True),
        (None, None, True),
    ],
)
def test_a_metric_beyond_noise(value: float | None, interval: list[float] | None, worse: bool | None) -> None:
    """0.0102 in [0.0091, 0.0113] before: worse only when both intervals are apart, in the worse direction."""
    after = changed("quantization/kl-divergence", metrics=[trials.metric(value=value, interval=interval)])
    before = changed("quantization/kl-divergence", metrics=[trials.metric()])
    expected = ["metric improved"] if worse is None else ["metric"] if worse else []
    assert kinds(compare(after, before)) == expected


def test_a_changed_metric_is_reported_with_both_intervals() -> None:
    """A metric with intervals that is 30% slower."""
    speed = {"name": "tokenizer.english_speed", "unit": "characters/s", "better": "higher"}
    before, after = (
        changed("quantization/kl-divergence", metrics=[trials.metric(**speed, value=value, interval=interval)])
        for value, interval in ((100_000.0, [96_000.0, 104_000.0]), (70_000.0, [67_000.0, 73_000.0]))
    )
    (change,) = compare(after, before)
    message = "from 100,000 [96,000, 104,000] to 70,000 [67,000, 73,000] characters/s (-30%), beyond noise"
    assert change["kind"] == "metric"
    assert message in change["summary"]


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


@pytest.mark.parametrize("sides", [(True, False), (False, True), (False, False)])
def test_what_the_machine_decides_is_never_compared(sides: tuple[bool, bool]) -> None:
    """Times and rates of two runs are not compared, even if the version of the baseline compared them."""
    before, after = (
        changed("quantization/kl-divergence", metrics=[trials.metric(value=value) | {"compared": compared}])
        for value, compared in zip((100.0, 10.0), sides, strict=True)
    )
    assert compare(after, before) == []
    if not sides[0]:
        assert compare(changed("quantization/kl-divergence", metrics=[]), before) == []


@pytest.mark.parametrize(("slower", "worse"), [(1.1, False), (1.3, True)])
def test_a_variant_that_is_slower_by_30_percent_is_reported_by_its_ratio(slower: float, worse: bool) -> None:
    """Rounds in turns: the machine's own speed is in both, so the ratio of two runs can be compared."""
    ratio = {"name": "quantization.decode_speed_ratio", "unit": "times full", "better": "higher", "effect": 0.2}
    before, after = (
        changed("quantization/kl-divergence", metrics=[trials.metric(value=each) | ratio | {"interval": interval}])
        for each, interval in ((1.0, [0.97, 1.03]), (1 / slower, [0.97 / slower, 1.03 / slower]))
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
    """Reported, and no reason to fail."""
    subject = trials.subject(fingerprint="sha256:" + "0" * 64)
    changes = compare(trials.trial(*trials.passing(), subjects=[subject]))
    assert kinds(changes) == ["note"]
    assert worse(changes) == []


def test_changed_files_are_named() -> None:
    """The changed files are named if both sides know them."""
    files = {"config.json": "a", "tokenizer.json": "b", "old.json": "c"}
    before = trials.trial(*trials.passing(), subjects=[trials.subject(files=files)])
    files = {"config.json": "a", "tokenizer.json": "z", "new.json": "c"}
    after = trials.trial(*trials.passing(), subjects=[trials.subject(files=files, fingerprint="sha256:other")])
    (change,) = compare(after, before)
    assert "changed tokenizer.json; new new.json; gone old.json" in change["summary"]
    assert "config.json" not in change["before"]


def test_other_versions_are_named_once() -> None:
    """An upgrade: a note that the other changes are read by."""
    versions = trials.run().versions | {"transformers": "5.24.0"}
    (change,) = changes = compare(trials.trial(*trials.passing(), versions=versions))
    assert change["summary"] == "The versions differ: transformers 5.23.0 → 5.24.0."
    assert worse(changes) == []


@pytest.mark.parametrize(("field", "other"), [("device", "cuda:0"), ("profile", "standard"), ("seed", 1)])
def test_an_allowed_difference_is_compared_and_reported(field: str, other: Any) -> None:
    after = trials.rejected()
    after.run = dataclasses.replace(after.run, **{field: other})
    changes = baseline_file.compare(baseline_file.snapshot(trials.healthy()), after, allow=True)
    assert any(change["kind"] == "note" and "Compared, although" in change["summary"] for change in changes)
    assert "newly failing" in kinds(changes)


def test_another_dtype_is_compared_where_that_is_allowed() -> None:
    """The only variants of the two sides are held against each other."""
    after = in_bfloat16(trials.healthy())
    after.checks = [
        dataclasses.replace(check, outcome="defect") if check.check == "integrity/weights-complete" else check
        for check in after.checks
    ]
    before = trials.healthy()
    before.checks = [check for check in before.checks if check.suite != "quantization"]
    after.checks = [check for check in after.checks if check.suite != "quantization"]
    assert kinds(compare(after, before)) == ["not comparable", "appeared"]
    changes = baseline_file.compare(baseline_file.snapshot(before), after, allow=True)
    assert kinds(changes) == ["newly failing", "note"]


def test_another_card_of_the_same_kind_is_compared() -> None:
    """cuda:1 and cuda:0 are one device for a comparison."""
    sides = []
    for device in ("cuda:0", "cuda:1"):
        trial = trials.healthy()
        trial.run = dataclasses.replace(trial.run, device=device)
        trial.checks = [
            dataclasses.replace(c, variant=c.variant | {"device": device}) if c.variant else c for c in trial.checks
        ]
        sides.append(trial)
    assert compare(sides[1], sides[0]) == []


@pytest.mark.parametrize("field", ["device", "profile", "seed"])
def test_another_device_profile_or_seed_is_not_comparable(field: str) -> None:
    """Never 'unchanged', and nothing else is claimed either."""
    changed_run: dict[str, Any] = {field: "other"}
    other = trials.trial(*trials.passing()[:2], **changed_run)
    changes = compare(other)
    assert kinds(changes) == ["not comparable"]
    assert field in changes[0]["summary"]
    assert not comparable(changes)


def in_bfloat16(trial: RunRecords) -> RunRecords:
    trial.checks = [
        dataclasses.replace(check, variant=check.variant | {"dtype": "bfloat16"}) if check.variant else check
        for check in trial.checks
    ]
    return trial


def test_another_dtype_is_not_comparable() -> None:
    """Checks of the other dtype did not disappear, they were never asked for; the rest is compared."""
    changes = compare(in_bfloat16(trials.healthy()))
    assert set(kinds(changes)) == {"not comparable", "appeared"}
    assert set(kinds(worse(changes))) == {"not comparable"}
    assert "float32" in changes[0]["summary"]


def test_the_worst_record_of_a_key_counts() -> None:
    """A rerun that passed hides nothing."""
    twice: list[Check] = [trials.defect(), dataclasses.replace(trials.defect(), outcome="pass")]
    (entry,) = baseline_file.snapshot(trials.trial(*twice))["checks"]
    assert entry["outcome"] == "defect"


def test_comparing_leaves_both_sides_alone(tmp_path: Path) -> None:
    """Pure functions: the snapshot can be used again."""
    before = baseline_file.snapshot(trials.healthy())
    original = copy.deepcopy(before)
    baseline_file.compare(before, trials.rejected())
    assert json.dumps(before) == json.dumps(original)


def test_a_verdict_is_shown_with_what_became_worse() -> None:
    """Adopt in the headline and a failing exit status would contradict each other."""
    trial = trials.healthy()
    name = trial.subjects[0].name
    change = {"kind": "newly failing", "check": "a/b", "subject": name, "summary": "x", "before": 1, "after": 2}
    note = change | {"kind": NOTE}
    message = "1 change for the worse since the baseline"
    assert reservation(name, [change, note]) == message
    assert reservation(name, [note]) == reservation("another", [change]) == ""
    judged = judge(trial, [change])
    assert f"{name}: ADOPT, BUT {message}" in [line for line, _ in terminal.lines(trial, judged)]
    assert f"but {message}" in markdown.render(judged)
    assert f"Adopt, but {message}" in html.render(trial, judged, [change])
