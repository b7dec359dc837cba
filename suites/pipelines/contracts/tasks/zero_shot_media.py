"""Zero-shot classification of images and audio: labels that the caller chooses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fixtures.inputs import audio, images
from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts import audio_inputs
from suites.pipelines.contracts.contract import Contract, InputWithOptions
from suites.pipelines.contracts.image_inputs import image_forms, invalid_images
from suites.pipelines.contracts.scores import as_probabilities, descending

LABELS = {"zero-shot-image-classification": images.KINDS, "zero-shot-audio-classification": audio.KINDS}
"""Candidate labels by task."""


def with_labels(pipe: Pipe) -> Mapping[str, Any]:
    return {"candidate_labels": list(LABELS[pipe.task])}


def problems(sample: Any, answer: Sequence[Mapping[str, Any]], pipe: Pipe) -> Iterator[str]:
    """Yields a problem unless all labels have probabilities, best first, that sum up to 1 (not for SigLIP)."""
    labels = sorted(entry["label"] for entry in answer)
    if labels != sorted(LABELS[pipe.task]):
        yield f"the labels are {labels}, the candidate labels are {sorted(LABELS[pipe.task])}"
    scores = [entry["score"] for entry in answer]
    if not audio_inputs.holds_nan(sample):
        yield from descending(scores)
        yield from as_probabilities(scores, exclusive="siglip" not in pipe.model.config.model_type)


def by_label(answer: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Returns scores by label, because rounding decides the order of near ones."""
    return {entry["label"]: entry["score"] for entry in answer}


def image_canary_input(value: Any, pipe: Pipe) -> Any:
    """`{"image": ..., "candidate_labels": [...]}` as an image with its own labels."""
    return _with_own_labels(value, value["image"]) if isinstance(value, Mapping) and "image" in value else value


def audio_canary_input(value: Any, pipe: Pipe) -> Any:
    """`{"sound": "low", "candidate_labels": [...]}` as audio with its own labels."""
    sound = audio_inputs.canary_input(value, pipe)
    return _with_own_labels(value, sound) if isinstance(value, Mapping) else sound


def _with_own_labels(value: Mapping[str, Any], sample: Any) -> InputWithOptions:
    labels = {"candidate_labels": value["candidate_labels"]} if "candidate_labels" in value else {}
    return InputWithOptions(sample, labels)


CONTRACTS = (
    Contract(
        tasks=("zero-shot-image-classification",),
        samples=lambda pipe: images.pictures(),
        problems=problems,
        options=with_labels,
        canary_input=image_canary_input,
        other_forms=image_forms,
        invalid_inputs=invalid_images,
        meaning=lambda answer: str(answer[0]["label"]),
        comparable=by_label,
    ),
    Contract(
        tasks=("zero-shot-audio-classification",),
        samples=audio_inputs.samples,
        problems=problems,
        options=with_labels,
        canary_input=audio_canary_input,
        invalid_inputs=audio_inputs.invalid_audio,
        meaning=lambda answer: str(answer[0]["label"]),
        comparable=by_label,
    ),
)
