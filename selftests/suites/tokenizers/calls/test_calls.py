"""The helpers with which the tokenizer suite cuts, pads, windows, streams and forks by hand."""

from __future__ import annotations

import os
import time
from types import SimpleNamespace
from typing import Any

import pytest

from suites.findings import Blocked
from suites.tokenizers.calls import forked_process
from suites.tokenizers.calls.layout import Layout, find_ids
from suites.tokenizers.calls.test_overflow_covers_the_text import windows
from suites.tokenizers.calls.test_padding_changes_nothing_else import padded
from suites.tokenizers.calls.test_truncation_keeps_what_it_says import shares, truncated
from suites.tokenizers.offsets.spans import Token
from suites.tokenizers.offsets.test_offsets_slice_the_text import of_one, uncovered
from suites.tokenizers.streaming.streams import cut

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")


def test_windows_overlap_by_the_stride_and_cover_the_ids() -> None:
    assert windows([1, 2, 3, 4, 5], 3, 1, "right") == [[1, 2, 3], [3, 4, 5]]
    assert windows([1, 2, 3, 4, 5], 2, 0, "right") == [[1, 2], [3, 4], [5]]
    assert windows([1, 2, 3, 4, 5], 2, 0, "left") == [[4, 5], [2, 3], [1]]


def test_a_text_that_fits_is_one_window() -> None:
    assert windows([1, 2], 3, 1, "right") == [[1, 2]]
    assert windows([], 3, 1, "right") == [[]]


@pytest.mark.parametrize(
    ("lengths", "strategy", "expected"),
    [((6, 4), "only_first", [3]), ((6, 4), "only_second", [6]), ((9, 2), "longest_first", [5]),
     ((2, 9), "longest_first", [2]), ((6, 6), "longest_first", [3, 4])],
)  # fmt: skip
def test_shares_of_a_pair(lengths: tuple[int, int], strategy: str, expected: list[int]) -> None:
    assert shares(*lengths, 7, strategy) == expected


def test_truncated_by_side() -> None:
    assert (truncated([1, 2, 3], 2, "right"), truncated([1, 2, 3], 2, "left"), truncated([1], 2, "left")) == (
        [1, 2],
        [2, 3],
        [1],
    )


def test_padding_by_hand() -> None:
    tokenizer = SimpleNamespace(pad_token_id=9, pad_token_type_id=3)
    assert padded(tokenizer, "input_ids", [1], 3, "left") == [9, 9, 1]
    assert padded(tokenizer, "token_type_ids", [1], 3, "right") == [1, 3, 3]
    assert padded(tokenizer, "attention_mask", [1], 2, "right") == [1, 0]
    assert padded(tokenizer, "special_tokens_mask", [0], 2, "right") == [0, 1]
    assert padded(tokenizer, "input_ids", [1, 2], 1, "right") == [1, 2]


def test_parts_go_together_again() -> None:
    parts = Layout([0], [1, 2], [7], [3], [8])
    assert parts.joined([1], [3]) == [0, 1, 7, 3, 8]
    assert parts.added == 3


def test_a_text_whose_ids_change_has_no_position() -> None:
    assert find_ids([1, 2, 3], [2, 3], 0) == 1
    assert find_ids([1], [], 1) == 1
    with pytest.raises(Blocked):
        find_ids([1, 2], [2, 3], 0)


def test_cutting_uses_the_sizes_in_turn() -> None:
    assert list(cut([1, 2, 3, 4, 5], [2, 1])) == [[1, 2], [3], [4, 5]]
    assert list(cut([], [1])) == []


def test_offsets_in_bytes_are_distinguished_from_other_errors() -> None:
    tokenizer: Any = None
    assert "bytes" in next(of_one(tokenizer, "é", Token(0, 5, 0, 0, 2), True))
    assert "something other" in next(of_one(tokenizer, "é", Token(0, 5, 0, 0, 3), True))


def test_holes_are_characters_without_a_token() -> None:
    tokens = [Token(0, 5, 0, 0, 1), Token(1, 6, 0, 3, 4)]
    assert list(uncovered("a  b", tokens)) == []
    assert "'x' at position 1" in next(uncovered("ax b", tokens))


@forks
def test_a_child_answers() -> None:
    assert forked_process.run_in_fork(lambda: [[1, 2], []]) == [[1, 2], []]


@forks
def test_exceptions_of_a_child_are_returned() -> None:
    def work() -> None:
        raise ValueError("no")

    assert forked_process.run_in_fork(work) == {"error": "ValueError: no"}


@forks
def test_a_child_that_dies_is_reported() -> None:
    assert forked_process.run_in_fork(lambda: os._exit(3)) == {"error": "the process died"}


@forks
def test_a_child_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forked_process, "TIMEOUT", 0.2)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        forked_process.run_in_fork(lambda: time.sleep(60))
    assert time.monotonic() - began < 5
