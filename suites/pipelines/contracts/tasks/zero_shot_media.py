"""Pictures and sounds to whatever labels the caller names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fixtures.inputs import audio, images
from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts import audio_inputs
from suites.pipelines.contracts.contract import Contract, InputWithOptions
from suites.pipelines.contracts.scores import as_probabilities, sorted_down
from suites.pipelines.contracts.tasks.image_classification import no_pictures, other_forms

SIGHTS, SOUNDS = images.KINDS, audio.KINDS
KINDS = {"zero-shot-image-classification": SIGHTS, "zero-shot-audio-classification": SOUNDS}
"""Labels to choose from, by task."""


def with_labels(pipe: Pipe) -> Mapping[str, Any]:
    return {"candidate_labels": list(KINDS[pipe.task])}


def problems(sample: Any, answer: Sequence[Mapping[str, Any]], pipe: Pipe) -> Iterator[str]:
    """All labels, the best first, with probabilities: of SigLIP's each stands for itself, else they sum up to 1."""
    labels = sorted(entry["label"] for entry in answer)
    if labels != sorted(KINDS[pipe.task]):
        yield f"the labels are {labels}, asked for were {sorted(KINDS[pipe.task])}"
    scores = [entry["score"] for entry in answer]
    if not audio_inputs.holds_nan(sample):
        yield from sorted_down(scores)
        yield from as_probabilities(scores, exclusive="siglip" not in pipe.model.config.model_type)


def by_label(answer: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """The order of near ones is a matter of rounding."""
    return {entry["label"]: entry["score"] for entry in answer}


def asked_of_pictures(known: Any, pipe: Pipe) -> Any:
    """`{"image": ..., "candidate_labels": [...]}` as a picture with labels of its own."""
    return _with_own_labels(known, known["image"]) if isinstance(known, Mapping) and "image" in known else known


def asked_of_sounds(known: Any, pipe: Pipe) -> Any:
    """`{"sound": "low", "candidate_labels": [...]}` as a sound with labels of its own."""
    sound = audio_inputs.given(known, pipe)
    return _with_own_labels(known, sound) if isinstance(known, Mapping) else sound


def _with_own_labels(known: Mapping[str, Any], sample: Any) -> InputWithOptions:
    labels = {"candidate_labels": known["candidate_labels"]} if "candidate_labels" in known else {}
    return InputWithOptions(sample, labels)


CONTRACTS = (
    Contract(
        tasks=("zero-shot-image-classification",),
        samples=lambda pipe: images.pictures(),
        problems=problems,
        options=with_labels,
        canary_input=asked_of_pictures,
        other_forms=other_forms,
        invalid_inputs=no_pictures,
        meaning=lambda answer: str(answer[0]["label"]),
        comparable=by_label,
    ),
    Contract(
        tasks=("zero-shot-audio-classification",),
        samples=audio_inputs.samples,
        problems=problems,
        options=with_labels,
        canary_input=asked_of_sounds,
        invalid_inputs=audio_inputs.no_sounds,
        meaning=lambda answer: str(answer[0]["label"]),
        comparable=by_label,
    ),
)
