"""Defects of pipelines that read audio."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fixtures.pipelines.pipe import Pipe
from selftests.gallery.edits.files import set_keys, unchanged
from selftests.gallery.registry import mutant

SETTINGS = "preprocessor_config.json"


def keeps_overlaps(pipe: Pipe) -> None:
    joined = pipe.library.postprocess

    def postprocess(pieces: Any, **options: Any) -> Any:
        return joined([{**piece, "stride": None} for piece in pieces], **options)

    pipe.library.postprocess = postprocess


mutant(
    "audio-chunks-overlap",
    "chunks of long audio are joined with their overlaps",
    number="P06",
    source="huggingface/transformers#31778",
    base="tiny-automatic-speech-recognition",
    caught_by="pipelines/chunks-join",
    summary_contains=("in chunks", "doubled"),
    patch_pipe=keeps_overlaps,
)(unchanged)


@mutant(
    "feature-extractor-8khz",
    "a speech model's feature extractor hears at the rate of telephones",
    number="PC04",
    source="own",
    base="tiny-automatic-speech-recognition",
    caught_by="pipelines/rate-of-the-family",
    severity="hazard",
    summary_contains=("sampling_rate", "8000", "16000"),
)
def feature_extractor_8khz(directory: Path) -> None:
    set_keys(directory / SETTINGS, sampling_rate=8000)


def forgets_rates(pipe: Pipe) -> None:
    call = pipe.call

    def changed(inputs: Any, **options: Any) -> Any:
        return call(inputs["raw"] if isinstance(inputs, Mapping) and "raw" in inputs else inputs, **options)

    pipe.call = changed


mutant(
    "input-rate-ignored",
    "the sampling rate of the input is ignored",
    number="PV06",
    source="own",
    base="tiny-audio-classification",
    caught_by="pipelines/sampling-rate-heeded",
    summary_contains=("8000 samples per second", "as if it were at 16000"),
    patch_pipe=forgets_rates,
)(unchanged)


def runs_twice_as_fast(pipe: Pipe) -> None:
    call = pipe.call

    def late(word: Any) -> Any:
        return {**word, "timestamp": tuple(2 * time for time in word["timestamp"])}

    def changed(inputs: Any, **options: Any) -> Any:
        answer = call(inputs, **options)
        timed = isinstance(answer, Mapping) and "chunks" in answer
        return {**answer, "chunks": [late(word) for word in answer["chunks"]]} if timed else answer

    pipe.call = changed


mutant(
    "timestamps-past-end",
    "words end after the end of the audio",
    number="PV08",
    source="huggingface/transformers#36602",
    base="tiny-automatic-speech-recognition",
    caught_by="pipelines/timestamps-in-order",
    summary_contains="the audio lasts",
    patch_pipe=runs_twice_as_fast,
)(unchanged)
