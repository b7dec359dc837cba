"""Edited or foreign records: the report is written, or one sentence names the problem."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from reports import __main__ as command
from reports.directory import report_directory
from reports.records import schema, validation
from selftests.reports import measured_trials, trials

VALUES: tuple[Any, ...] = (
    None,
    5,
    -1.5,
    True,
    "x",
    "",
    [],
    [1],
    ["x"],
    [{}],
    [[0, 1]],
    {},
    {"a": 1},
    {"a": {}},
    {"a": {"b": 1}},
)
CHECK = measured_trials.variant("nf4")
INNER = {"metrics": CHECK.metrics[0], "series": CHECK.series[0]}


def lines() -> list[dict[str, Any]]:
    """One record of each kind, with everything in it."""
    trial = trials.rejected()
    evidence = dataclasses.replace(measured_trials.shown(), metrics=CHECK.metrics, series=CHECK.series[1:])
    found: list[schema.Record] = [trial.run, *trial.subjects, schema.Catalog(trial.catalog)]
    found += [schema.Plan(trial.plan), measured_trials.answers_and_costs(), evidence, schema.End("2026", 0)]
    return [json.loads(json.dumps(record.to_json())) for record in found]


def refusal_of(directory: Path, changed: list[dict[str, Any]]) -> str:
    """The refusal of these lines; empty when they make a report. Anything else is raised."""
    directory.mkdir(exist_ok=True)
    text = "\n".join(map(json.dumps, changed)) + "\n"
    (directory / report_directory.RECORDS).write_text(text, encoding="utf-8")
    try:
        report_directory.write(directory, report_directory.load(directory))
    except ValueError as refusal:
        return str(refusal)
    return ""


FIELDS = sorted(
    {(number, name) for number, line in enumerate(lines()) for name in line if name not in ("kind", "schema")}
)


@pytest.mark.parametrize(("number", "name"), FIELDS, ids=lambda value: str(value))
def test_a_field_of_another_type_is_reported(tmp_path: Path, number: int, name: str) -> None:
    """Every field of every kind with values of every type: a report, or a sentence that names file and line."""
    for value in VALUES:
        changed = lines()
        changed[number][name] = value
        refusal = refusal_of(tmp_path / "run", changed)
        assert "\n" not in refusal
        assert not refusal or report_directory.RECORDS in refusal or name == "policy", refusal


@pytest.mark.parametrize("kind", schema.KINDS)
def test_every_annotation_of_the_schema_is_looked_at(kind: str) -> None:
    """A field of a new type must not go unchecked."""
    assert {str(field.type) for field in dataclasses.fields(schema.KINDS[kind])} <= validation.TYPES.keys()  # type: ignore[arg-type]


def test_notes_and_answers_of_another_shape_are_shown_or_left_out(tmp_path: Path) -> None:
    """Facts and evidence may hold any value."""
    for value in VALUES:
        changed = lines()
        changed[1]["facts"] = {"notes": value, "tasks": value, "dtype": value}
        evidence = {"What?": {"answer": value, "signs": value}, "Who?": value}
        changed[4]["capabilities"]["generation.answers_with_problems"]["evidence"] = evidence
        changed[5]["evidence"] = {"expected": value, "actual": [1, "x"], "tokens": value, "ids": value, "image": value}
        changed[5]["parameters"] = {"task": value}
        assert not refusal_of(tmp_path / "run", changed)


@pytest.mark.parametrize("field", INNER)
def test_entries_of_lists_are_looked_at(tmp_path: Path, field: str) -> None:
    """A metric or series in which one value is of another type, or missing."""
    for name in INNER[field]:
        for value in VALUES:
            changed = lines()
            changed[5][field] = [INNER[field] | {name: value}]
            refusal = refusal_of(tmp_path / "run", changed)
            assert not refusal or f"{field}: " in refusal
        changed[5][field] = [{key: value for key, value in INNER[field].items() if key != name}]
        refusal_of(tmp_path / "run", changed)


@pytest.mark.parametrize(
    "content",
    ["", "\n", "[]\n", "{}\n", '"x"\n', "null\n", "<html>\n", "\x00\n", '{"kind": "run"}\n', '{"kind": ["run"]}\n'],
)
def test_a_foreign_file_is_one_sentence(tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A file of this name with any content gives no traceback."""
    (tmp_path / report_directory.RECORDS).write_text(content, encoding="utf-8")
    assert command.main(["html", str(tmp_path)]) == 2
    message = capsys.readouterr().err
    assert message.startswith("python -m reports: ")
    assert message.count("\n") == 1
    assert report_directory.RECORDS in message


@pytest.mark.parametrize("command_name", ["html", "show", "compare"])
@pytest.mark.parametrize(
    ("where", "message"),
    [
        (("duration", float("inf")), "duration is no finite number"),
        (("duration", 10**400), "duration is no finite number"),
        (("subject", "nobody"), "'nobody', which no subject record describes"),
        (("evidence", "@" * 90), "nested too deeply"),
        (("evidence", "@" * 90_000), "nested too deeply"),
        (("summary", "ordinary"), ""),
    ],
    ids=["infinity", "huge", "stranger", "deep", "abyss", "ordinary"],
)
def test_what_would_end_in_a_traceback_is_one_sentence(
    tmp_path: Path, where: tuple[str, Any], message: str, command_name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Values that JSON allows and no run writes."""
    changed = lines()
    changed[5][where[0]] = where[1]
    text = "\n".join(map(json.dumps, changed)) + "\n"
    if str(where[1]).startswith("@"):
        text = text.replace(f'"{where[1]}"', '{"a":' * len(where[1]) + "1" + "}" * len(where[1]))
    (tmp_path / report_directory.RECORDS).write_text(text, encoding="utf-8")
    directories = [str(tmp_path)] * (2 if command_name == "compare" else 1)
    assert command.main([command_name, *directories]) == (2 if message else 0)
    errors = capsys.readouterr().err
    assert message in errors
    assert errors.count("\n") == bool(message)
    assert not message or report_directory.RECORDS in errors


def test_observations_that_cannot_be_read_are_reported_before_they_are_compared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = lines()
    changed[5]["sequences"] = {"ids": {"version": "1", "rules": {}, "packed": "abcde"}}
    (tmp_path / report_directory.RECORDS).write_text("\n".join(map(json.dumps, changed)) + "\n", encoding="utf-8")
    assert command.main(["compare", str(tmp_path), str(tmp_path)]) == 2
    errors = capsys.readouterr().err
    assert "was not written by seatrial" in errors
    assert report_directory.RECORDS in errors
