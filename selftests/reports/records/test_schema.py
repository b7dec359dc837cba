"""Records survive anything that a check may put into them, and refuse what they cannot read."""

from __future__ import annotations

import dataclasses
import json
import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.records import schema, to_json
from reports.records.run_records import RunRecords
from reports.records.schema import Check, End, Writer, key, read
from selftests.reports import trials

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)) | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=8,
)


class Unprintable:
    """An object of a broken extension type."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    def __deepcopy__(self, memo: object) -> Unprintable:
        raise RuntimeError("no copy")


def written(path: Path, *found: schema.Record) -> list[schema.Record]:
    writer = Writer(path)
    for record in found:
        writer.write(record)
    writer.close()
    return list(read(path))


@given(evidence=JSON)
def test_any_evidence_is_written_and_read_back(tmp_path_factory: pytest.TempPathFactory, evidence: Any) -> None:
    """The line of any evidence is strict JSON and gives its plain form back."""
    path = tmp_path_factory.mktemp("records") / "records.jsonl"
    check = trials.check("tokenizers/round-trip", evidence={"value": evidence})
    back = written(path, check)[0]
    assert back == dataclasses.replace(check, evidence={"value": to_json.plain(evidence)})
    json.loads(path.read_text(encoding="ascii"), parse_constant=pytest.fail)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (math.nan, None),
        (-math.inf, None),
        (b"\xff", "b'\\xff'"),
        ("\ud800", "\ud800"),
        ({3, 1, 2}, [1, 2, 3]),
        ((1, 2), [1, 2]),
        ({1: "a"}, {"1": "a"}),
        (Fraction(1, 2), 0.5),
        (Path("x"), "x"),
        (True, True),
        (Unprintable(), "<Unprintable>"),
    ],
)
def test_what_json_lacks_becomes_its_nearest_value(value: object, expected: object) -> None:
    """Non-finite numbers become null, other objects their text."""
    assert to_json.plain(value) == expected


def test_numpy_numbers_stay_numbers() -> None:
    """Checks compute with numpy; its scalars are no strings in the report."""
    numpy = pytest.importorskip("numpy")
    assert to_json.plain([numpy.float32(0.5), numpy.int64(3), numpy.float32("nan")]) == [0.5, 3, None]


def test_evidence_that_contains_itself_is_cut() -> None:
    """A cycle must not end the run."""
    loop: list[Any] = []
    loop.append(loop)
    assert "..." in to_json.dumps(loop)


def test_a_trial_survives_the_file(tmp_path: Path) -> None:
    """Every kind of record comes back as it was."""
    trial = trials.rejected()
    parts: list[schema.Record] = [trial.run, *trial.subjects, schema.Catalog(trial.catalog), schema.Plan(trial.plan)]
    parts += [*trial.checks, trial.end or End("", 0)]
    assert RunRecords.gather(written(tmp_path / "records.jsonl", *parts)) == trial


@given(cut=st.integers(min_value=1, max_value=400))
def test_a_cut_last_line_is_dropped(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    """A killed run leaves all of its records but the one it was writing."""
    path = tmp_path_factory.mktemp("records") / "records.jsonl"
    written(path, trials.run(), trials.check("tokenizers/round-trip"))
    whole = path.read_bytes()
    path.write_bytes(whole[: max(len(whole) - cut, whole.index(b"\n") + 1)])
    assert next(iter(read(path))) == trials.run()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ("{broken\n{}\n", "line 1: not a JSON record"),
        ("[]\n", "unknown record kind"),
        ('{"kind": "poem"}\n', "unknown record kind 'poem'"),
        ('{"kind": "run", "schema": 99}\n', "schema 99, this version reads 2"),
        ('{"kind": "end"}\n', "incomplete end record"),
        ('{"kind": "check", "outcome": "lucky"}\n', "unknown outcome 'lucky'"),
    ],
)
def test_unreadable_records_are_refused_by_name(tmp_path: Path, lines: str, message: str) -> None:
    """The sentence names file, line and cause."""
    path = tmp_path / "records.jsonl"
    path.write_text(lines, encoding="utf-8")
    with pytest.raises(ValueError, match=r"records\.jsonl") as refused:
        list(read(path))
    assert message in str(refused.value)


def test_an_empty_file_is_no_trial() -> None:
    """Nothing recorded is not an empty success."""
    with pytest.raises(ValueError, match="no run record"):
        RunRecords.gather([])


def test_keys_ignore_order_and_take_any_value() -> None:
    """Records are compared by what they are about, not by how it was written."""
    one = Check("a/b", "s", "pass", variant={"device": "cpu", "dtype": "float32"}, parameters={"texts": ("a", b"b")})
    other = Check(
        "a/b", "s", "defect", variant={"dtype": "float32", "device": "cpu"}, parameters={"texts": ["a", b"b"]}
    )
    assert one.key == other.key == key(one.to_json())
    assert one.key != dataclasses.replace(one, subject="t").key


def test_missing_checks_are_those_planned_without_a_record() -> None:
    """A run that was cut short lists the checks that did not run."""
    assert {planned["check"] for planned in trials.killed().missing()} == {
        "integrity/weights-complete",
        "quantization/kl-divergence",
    }
