"""The formulas, signs and questions that the generation checks compare with."""

from __future__ import annotations

import unicodedata

import numpy
import pytest

from fixtures.inputs import questions
from suites.generation.sampling import formulas
from suites.running import answer_signs

ROW = numpy.log(numpy.array([0.5, 0.2, 0.2, 0.06, 0.04]))


def finite_ids(row: formulas.Row) -> list[int]:
    return [int(place) for place in numpy.flatnonzero(numpy.isfinite(row))]


def test_top_p_includes_tokens_until_the_sum_is_reached() -> None:
    """Of two equal logits at the threshold either may stay: both do, and both are doubtful."""
    assert finite_ids(formulas.top_p(ROW)) == [0, 1, 2]
    assert list(numpy.flatnonzero(formulas.near_top_p(ROW))) == [1, 2]


def test_top_p_of_unequal_logits_is_not_doubtful() -> None:
    row = numpy.log(numpy.array([0.5, 0.3, 0.15, 0.05]))
    assert finite_ids(formulas.top_p(row)) == [0, 1]
    assert not formulas.near_top_p(row).any()


def test_top_p_within_what_top_k_left() -> None:
    """Forbidden ids have no mass, and the rest is taken as the whole."""
    row = numpy.concatenate([ROW, [-numpy.inf] * 3])
    assert finite_ids(formulas.top_p(formulas.top_k(row))) == [0, 1, 2]


def test_min_p_keeps_what_is_a_part_of_the_largest() -> None:
    assert finite_ids(formulas.min_p(ROW)) == [0, 1, 2, 3]
    assert not formulas.near_min_p(ROW).any()
    assert formulas.near_min_p(numpy.log(numpy.array([0.5, 0.05])))[1]


def test_top_k_includes_logits_equal_to_the_smallest() -> None:
    row = numpy.array([3.0, 2.0, 1.0, 1.0, 1.0, 1.0, 0.0])
    assert finite_ids(formulas.top_k(row)) == [0, 1, 2, 3, 4, 5]


def test_penalty_moves_seen_ids_towards_minus_infinity() -> None:
    assert formulas.penalized(numpy.array([2.0, -2.0, 2.0]), [0, 1]).tolist() == [
        2 / formulas.PENALTY,
        -2 * formulas.PENALTY,
        2.0,
    ]


def test_no_pair_comes_twice() -> None:
    assert finite_ids(formulas.without_pairs(numpy.zeros(5), [1, 2, 3, 1])) == [0, 1, 3, 4]


@pytest.mark.parametrize(
    ("ids", "length"),
    [
        ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13], 0),
        ([9, 8, *[1, 2, 3, 4] * 3], 12),
        ([5] * 20, 20),
        ([1, 2, 3, 4] * 2, 0),
        ([7] * 11, 0),
        ([], 0),
    ],
)
def test_a_loop_is_a_cycle_at_the_end(ids: list[int], length: int) -> None:
    assert answer_signs.loop(ids) == length


def test_the_script_of_a_text_is_that_of_most_letters() -> None:
    assert answer_signs.wrong_script("Paris is the capital", ("CJK",))
    assert not answer_signs.wrong_script("法国的首都是巴黎 (Paris)", ("CJK",))
    assert not answer_signs.wrong_script("12 + 3", ("CJK",))


def test_questions_are_written_in_their_scripts() -> None:
    """Otherwise a right answer would count as one in the wrong script."""
    assert all(not answer_signs.wrong_script(each.text, each.scripts) for each in questions.QUESTIONS)
    assert all(not answer_signs.wrong_script(each.opening, each.scripts) for each in questions.QUESTIONS)
    assert len({each.text for each in questions.QUESTIONS}) == len(questions.QUESTIONS)
    assert all(unicodedata.is_normalized("NFC", each.text) for each in questions.QUESTIONS)


def test_the_quick_profile_asks_in_several_languages() -> None:
    assert len({each.language for each in questions.for_profile("quick")}) >= 4
    assert len(questions.for_profile("standard")) > len(questions.for_profile("quick"))
