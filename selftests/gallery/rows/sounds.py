"""Rows about pipelines that hear."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fixtures.pipelines.pipe import Pipe
from selftests.gallery.edits import set_keys
from selftests.gallery.registry import mutant

SOUNDS, SPELLING = "tiny-audio-classification", "tiny-automatic-speech-recognition"
SETTINGS = "preprocessor_config.json"


def unchanged(directory: Path) -> None:
    """The defect is put into what was loaded."""


@mutant(
    "PV05",
    "the feature extractor says another rate than that of training",
    source="own",
    base=SOUNDS,
    caught_by="pipelines/canaries",
    naming="known answer",
)
def other_rate(directory: Path) -> None:
    set_keys(directory / SETTINGS, sampling_rate=8000)


def forgets_rates(pipe: Pipe) -> None:
    call = pipe.call

    def changed(inputs: Any, **options: Any) -> Any:
        return call(inputs["raw"] if isinstance(inputs, Mapping) and "raw" in inputs else inputs, **options)

    pipe.call = changed


mutant(
    "PV06",
    "the rate of a sound is thrown away",
    source="own",
    base=SOUNDS,
    caught_by="pipelines/sampling-rate-heeded",
    naming=("8000 samples per second", "as if it were at 16000"),
    patch_pipe=forgets_rates,
)(unchanged)


def without_mask(model: Any) -> None:
    forward = model.forward
    model.forward = lambda *args, attention_mask=None, **options: forward(*args, **options)


mutant(
    "PV07",
    "a short sound's padding is heard in a batch",
    source="own",
    base=SOUNDS,
    caught_by="pipelines/batch-equals-single",
    naming="in a batch",
    patch=without_mask,
)(unchanged)


def keeps_overlaps(pipe: Pipe) -> None:
    joined = pipe.library.postprocess

    def postprocess(pieces: Any, **options: Any) -> Any:
        return joined([{**piece, "stride": None} for piece in pieces], **options)

    pipe.library.postprocess = postprocess


mutant(
    "P06",
    "pieces of a long sound are joined with their overlaps",
    source="huggingface/transformers#31778",
    base=SPELLING,
    caught_by="pipelines/chunks-join",
    naming=("in pieces", "doubled"),
    patch_pipe=keeps_overlaps,
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
    "PV08",
    "words end after the sound has ended",
    source="huggingface/transformers#36602",
    base=SPELLING,
    caught_by="pipelines/timestamps-in-order",
    naming="the sound lasts",
    patch_pipe=runs_twice_as_fast,
)(unchanged)


@mutant(
    "PV09",
    "the letters of a speech model are in another order",
    source="own",
    base=SPELLING,
    caught_by="pipelines/canaries",
    naming="known answer",
)
def other_letters(directory: Path) -> None:
    set_keys(directory / "vocab.json", a=6, e=5)
