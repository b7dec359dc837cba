"""Models whose output does not depend on the input, or that were never trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from selftests.gallery.edits import noise
from selftests.gallery.edits.files import edit_weights
from selftests.gallery.registry import CLASSIFIER, healthy, mutant

FOLLOWS = "pipelines/output-follows-input"
CONSTANT = "does not depend on its input"


def changed(name: str, change: Callable[[Any], Any]) -> Callable[[Path], None]:
    def edit(tensors: dict[str, Any]) -> dict[str, Any]:
        tensors[name] = change(tensors[name])
        return tensors

    return lambda directory: edit_weights(directory, edit)


mutant(
    "pooler-saturated",
    "the pooler of a classifier of texts is saturated, so that all texts look alike",
    source="own",
    base=CLASSIFIER,
    caught_by=FOLLOWS,
    summary_contains=("text-classification", CONSTANT),
)(changed("bert.pooler.dense.bias", lambda bias: bias + 1000))

mutant(
    "image-features-erased",
    "the last normalization of an image classifier multiplies by zero",
    source="own",
    base="tiny-image-classification",
    caught_by=FOLLOWS,
    summary_contains=("image-classification", CONSTANT),
)(changed("vit.layernorm.weight", lambda weight: 0 * weight))

mutant(
    "speech-features-erased",
    "the last normalization of a speech recognizer multiplies by zero",
    source="own",
    base="tiny-automatic-speech-recognition",
    caught_by=FOLLOWS,
    summary_contains=("automatic-speech-recognition", CONSTANT),
)(changed("wav2vec2.encoder.layer_norm.weight", lambda weight: 0 * weight))

healthy(
    "classifier-sure-of-everything",
    "a classifier gives probabilities of zero and one only",
    base=CLASSIFIER,
    check=FOLLOWS,
)(changed("classifier.weight", lambda weight: 1000 * weight))


@mutant(
    "sentence-encoder-drawn-anew",
    "every weight matrix of a published sentence encoder holds new random numbers",
    source="own",
    base="minilm",
    caught_by=FOLLOWS,
    summary_contains=("feature-extraction", "weight matrices are random numbers, as after a new initialisation"),
)
def sentence_encoder_drawn_anew(directory: Path) -> None:
    noise.replace_matrices(directory, noise.drawn, noise.everywhere)
