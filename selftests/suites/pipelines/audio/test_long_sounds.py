"""Long sounds that are read in pieces: their arguments, and what two texts differ in."""

from __future__ import annotations

import pytest

from suites.pipelines.audio.chunks import MIN_LENGTH, changed_words, chunk_options


@pytest.mark.parametrize("duration", [0.5, 3.0, 60.0])
def test_pieces_overlap_and_move_on(duration: float) -> None:
    given = chunk_options(duration)
    assert given["chunk_length_s"] >= MIN_LENGTH
    assert 0 < 2 * given["stride_length_s"] < given["chunk_length_s"]


def test_a_long_sound_is_read_in_several() -> None:
    assert chunk_options(60.0)["chunk_length_s"] == 20.0


@pytest.mark.parametrize(
    ("whole", "pieces", "told"),
    [
        ("mia omi", "mia omi", []),
        ("mia omi emi", "mia omi omi emi", ["'omi' was added"]),
        ("mia omi emi", "mia emi", ["'omi' is missing"]),
        ("mia omi emi", "mia omo emi", ["'omi' became 'omo'"]),
        ("", "", []),
    ],
)
def test_changed_words_are_told(whole: str, pieces: str, told: list[str]) -> None:
    assert changed_words(whole, pieces) == told
