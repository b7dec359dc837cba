"""Packed sequences: nothing is lost, and exactly the changes between two sets are reported."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from reports.records import sequences
from reports.records.comparison import INCOMPARABLE, NOTE, Change

SETS = st.dictionaries(st.sampled_from([f"{group}/{n}" for group in "abc" for n in (1, 2)]), st.lists(st.integers(-1)))
RULES = {"class": "A", "model": "B"}


def recorded(
    values: dict[str, list[int]], *, version: str = "1", rules: dict[str, str] | None = None
) -> dict[str, Any]:
    return {"ids": sequences.entry(values, version, RULES if rules is None else rules, {})}


def changes(old: dict[str, Any], new: dict[str, Any]) -> list[Change]:
    return list(sequences.changes(old, new, {}))


@settings(deadline=None)  # machines with busy cores
@given(SETS)
def test_packing_loses_nothing(values: dict[str, list[int]]) -> None:
    packed = sequences.pack(values)
    assert sequences.unpack(packed) == values
    assert packed.isascii()
    assert not set(packed) & set('"\\')


@settings(deadline=None)  # machines with busy cores
@given(SETS, SETS)
def test_changes_are_exactly_the_differences(one: dict[str, list[int]], other: dict[str, list[int]]) -> None:
    found = changes(recorded(one), recorded(other))
    differing = [key for key in one | other if one.get(key) != other.get(key)]
    assert [kind for kind, *_ in found] == [sequences.CHANGED] * bool(differing)
    for _, summary, before, after in found:
        assert f"changed in {len(differing)} of {len(one)}" in summary
        assert {sequences.group(key) for key in differing} == set(after["changed"])
        assert [key for key in before if "/" in key] == differing[: sequences.SHOWN]


def test_a_changed_rule_alone_is_no_change() -> None:
    """An upgrade renames classes and rewrites rules; what counts is the ids."""
    assert changes(recorded({"a/1": [1]}), recorded({"a/1": [1]}, rules=RULES | {"class": "Z"})) == []


def test_without_a_changed_rule_it_was_the_library() -> None:
    [(_, summary, before, _)] = changes(recorded({"a/1": [1, 2, 3]}), recorded({"a/1": [1, 2, 4]}))
    assert "the library did" in summary
    assert before["a/1"]["differs at"] == 2


def test_another_version_is_not_compared() -> None:
    [(kind, *_)] = changes(recorded({"a/1": [1]}), recorded({"a/1": [2]}, version="2"))
    assert kind == INCOMPARABLE


def test_what_is_gone_is_reported() -> None:
    assert [kind for kind, *_ in changes(recorded({"a/1": [1]}), {})] == ["disappeared"]
    assert [kind for kind, *_ in changes({}, recorded({"a/1": [1]}))] == [NOTE]
