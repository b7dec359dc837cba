"""Observations of checks: every change is described, and rounding is no change."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.baseline import file as baseline_file
from reports.records import observations
from reports.records.comparison import Change
from reports.records.observations import NEAR_TIE
from reports.records.to_json import Json
from selftests.reports import trials

TEXTS = st.dictionaries(st.sampled_from(["a question", "a system message", "tools"]), st.text(max_size=40))
SCORES = st.floats(min_value=0.01, max_value=1, allow_nan=False)


def changes(kind: str, old: Json, new: Json, *, tolerance: float = 0.0, version: str = "1") -> list[Change]:
    was, now = (observations.entry(kind, values, v, tolerance) for values, v in ((old, "1"), (new, version)))
    return list(observations.changes({"It": was}, {"It": now}))


def answer(text: str, ids: list[int], close: list[int] | None = None) -> Json:
    return {"text": text, "ids": ids, "close": close or []}


def labels(**scores: float) -> Json:
    ranked = sorted(scores.items(), key=lambda each: -each[1])
    return {"means": ranked[0][0], "answer": [{"label": label, "score": score} for label, score in ranked]}


@given(TEXTS, TEXTS)
def test_renders_are_reported_exactly(one: dict[str, str], other: dict[str, str]) -> None:
    differing = [key for key in one | other if one.get(key) != other.get(key)]
    found = changes("renders", one, other)
    assert [kind for kind, *_ in found] == ["renders"] * bool(differing)
    for _, summary, *_ in found:
        assert f"changed in {len(differing)} of {len(one | other)}" in summary


def test_a_changed_render_shows_where_and_a_diff() -> None:
    old = {"a question": "<|user|>\nWhat is it?\n<|end|>\n"}
    new = {"a question": "<|user|>\nWhat is it?<|end|>\n"}
    [(_, summary, before, after)] = changes("renders", old, new)
    assert "the first is a question" in summary
    assert before["a question"] == old["a question"]
    assert "-What is it?" in after["diff"].splitlines()


def test_long_texts_are_distinguished_by_their_digest() -> None:
    """The change is after the recorded part."""
    same = "x" * observations.LONGEST
    assert len(observations.entry("renders", {"a": same * 9}, "1", 0.0)["values"]["a"]) < observations.LONGEST + 120
    assert changes("renders", {"a": same + "one"}, {"a": same + "one"}) == []
    assert len(changes("renders", {"a": same + "one"}, {"a": same + "two"})) == 1


@given(SCORES, SCORES)
def test_scores_within_the_tolerance_are_no_change(score: float, other: float) -> None:
    found = changes("outputs", {"s": labels(A=score)}, {"s": labels(A=other)}, tolerance=0.01)
    apart = abs(score - other) / max(score, other)
    if abs(apart - 0.01) > 1e-4:
        assert bool(found) == (apart > 0.01)


def test_labels_of_equal_scores_may_change_places() -> None:
    one, other = labels(A=0.5001, B=0.4999), labels(A=0.4999, B=0.5001)
    assert changes("outputs", {"s": one}, {"s": other}, tolerance=0.01) == []


def test_swapped_labels_are_reported_by_what_they_mean() -> None:
    one, other = labels(POSITIVE=0.9, NEGATIVE=0.1), labels(POSITIVE=0.1, NEGATIVE=0.9)
    [(kind, summary, *_)] = changes("outputs", {"sample 1": one}, {"sample 1": other}, tolerance=0.01)
    assert kind == "outputs"
    assert "sample 1: was 'POSITIVE', is 'NEGATIVE'" in summary


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"text": "a"}, {"text": "b"}),
        ({"text": "a"}, {"words": "a"}),
        ([1.0, 2.0], [1.0, 2.0, 3.0]),
        ([1.0, 2.0], [1.0, 3.0]),
        ("a", None),
        (True, False),
    ],
)
def test_every_change_of_shape_or_value_is_reported(one: Any, other: Any) -> None:
    outputs = [{"s": {"means": "", "answer": each}} for each in (one, other)]
    assert len(changes("outputs", *outputs, tolerance=0.01)) == 1


def test_an_answer_that_differs_from_a_near_tie_is_no_defect() -> None:
    """It is reported with its position, apart from answers that differ for another reason."""
    old = {"tied": answer("one two", [1, 2], [1]), "other": answer("one two", [1, 2]), "same": answer("a", [1])}
    new = {"tied": answer("one six", [1, 6]), "other": answer("one six", [1, 6]), "same": answer("a", [1], [0])}
    found = {kind: summary for kind, summary, *_ in changes("answers", old, new)}
    assert set(found) == {"answers", NEAR_TIE}
    assert "the first is other" in found["answers"]
    assert "the first is tied" in found[NEAR_TIE]
    assert "equal within rounding" in found[NEAR_TIE]


def test_the_same_tokens_that_read_otherwise_are_reported() -> None:
    """The decoder changed, and not the model."""
    [(kind, summary, *_)] = changes("answers", {"q": answer("a b", [1, 2])}, {"q": answer("ab", [1, 2])})
    assert kind == "answers"
    assert "the same tokens read" in summary


def test_another_version_of_the_inputs_is_not_compared() -> None:
    assert [kind for kind, *_ in changes("renders", {"a": "x"}, {"a": "y"}, version="2")] == ["not comparable"]


def test_outputs_of_other_code_are_no_regression() -> None:
    """The library dropped a task, and its model classes answer instead: reported with both makers."""
    sides = [
        {"It": observations.entry("outputs", {"s": {"means": "", "answer": answer}}, "1", 0.0, by)}
        for answer, by in (("a", "the pipeline"), ("b", "its model classes"))
    ]
    [(kind, summary, *_)] = observations.changes(*sides)
    assert kind == "note"
    assert "made by the pipeline before and by its model classes now" in summary


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="outputs"):
        observations.entry("thoughts", {}, "1", 0.0)


def test_observations_survive_the_file_with_one_line_a_value() -> None:
    """A changed render is one changed line of the baseline."""
    texts = []
    for render in ("<|user|>\nHi", "<|user|> Hi"):
        entry = observations.entry("renders", {"a question": render, "an answer": "Ho"}, "1", 0.0)
        texts.append(
            baseline_file.text_of(
                baseline_file.snapshot(trials.trial(trials.check("a/b", observations={"Renders": entry})))
            )
        )
    assert len(set(texts[0].splitlines()) ^ set(texts[1].splitlines())) == 4  # the line and the checksum, on each side
