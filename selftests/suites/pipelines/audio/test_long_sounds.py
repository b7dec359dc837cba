"""Long audio in chunks: options of the pipeline, and words that change."""

from __future__ import annotations

import pytest

from suites.pipelines.audio.chunks import MIN_LENGTH, changed_words, chunk_options


@pytest.mark.parametrize("duration", [0.5, 3.0, 60.0])
def test_chunks_overlap_and_advance(duration: float) -> None:
    options = chunk_options(duration)
    assert options["chunk_length_s"] >= MIN_LENGTH
    assert 0 < 2 * options["stride_length_s"] < options["chunk_length_s"]


def test_long_audio_has_several_chunks() -> None:
    assert chunk_options(60.0)["chunk_length_s"] == 20.0


@pytest.mark.parametrize(
    ("whole", "chunked", "changes"),
    [
        ("mia omi", "mia omi", []),
        ("mia omi emi", "mia omi omi emi", ["'omi' was added"]),
        ("mia omi emi", "mia emi", ["'omi' is missing"]),
        ("mia omi emi", "mia omo emi", ["'omi' became 'omo'"]),
        ("", "", []),
    ],
)
def test_changed_words_are_described(whole: str, chunked: str, changes: list[str]) -> None:
    assert changed_words(whole, chunked) == changes
