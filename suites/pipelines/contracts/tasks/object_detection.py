"""Object detection: images to labelled boxes, also with labels that the caller chooses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fixtures.inputs import images, scenes
from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.image_inputs import image_forms, invalid_images
from suites.pipelines.contracts.labelled_boxes import Box, LabelledBox, as_text, box_problems, match_expected
from suites.pipelines.contracts.scores import as_probabilities, descending

SIDES = ("xmin", "ymin", "xmax", "ymax")
RELEVANT = 0.5
"""Share of the best score that a box must reach to be compared: rounding may add or remove weaker ones."""
LABELS = scenes.LABELS
Entry = Mapping[str, Any]


def box_of(entry: Entry) -> Box:
    xmin, ymin, xmax, ymax = (entry["box"][side] for side in SIDES)
    return xmin, ymin, xmax, ymax


def problems(sample: Any, answer: Sequence[Entry], pipe: Pipe) -> Iterator[str]:
    """Yields a problem unless labels are those of the config, scores are probabilities and boxes are in pixels."""
    yield from _box_list_problems(sample, answer, {str(label) for label in pipe.model.config.id2label.values()})


def zero_shot_problems(sample: Mapping[str, Any], answer: Sequence[Entry], pipe: Pipe) -> Iterator[str]:
    """Yields a problem unless labels are candidates, scores are sorted probabilities and boxes are in pixels."""
    yield from _box_list_problems(sample["image"], answer, {*sample["candidate_labels"]})
    yield from descending([entry["score"] for entry in answer])


def _box_list_problems(image: Any, answer: Sequence[Entry], labels: set[str]) -> Iterator[str]:
    yield from as_probabilities([entry["score"] for entry in answer], exclusive=False)
    unknown = {entry["label"] for entry in answer} - labels
    if unknown:
        yield f"the label {min(unknown)!r} is not one of {sorted(labels)}"
    for entry in relevant(answer):
        if not isinstance(entry["box"]["xmin"], int):
            yield f"the box {entry['box']} is not in whole pixels"
        yield from box_problems(box_of(entry), image.size)
    yield from _normalized_boxes(image.size, relevant(answer))


def _normalized_boxes(size: tuple[int, int], answer: Sequence[Entry]) -> Iterator[str]:
    """Yields a problem if all boxes are within the first pixel: their coordinates are relative, not in pixels."""
    if answer and all(max(box_of(entry)) <= 1 for entry in answer) and min(size) > 8:
        yield "all boxes are in the first pixel: their coordinates are shares of the image's sides, not pixels"


def relevant(answer: Sequence[Entry]) -> list[Entry]:
    best = max((entry["score"] for entry in answer), default=0.0)
    return [entry for entry in answer if entry["score"] > RELEVANT * best]


def best_of_each(answer: Sequence[Entry]) -> dict[str, Entry]:
    """Returns the best relevant box of each label: rounding decides the order of near ones."""
    return {entry["label"]: entry for entry in sorted(relevant(answer), key=lambda entry: entry["score"])}


def detected(answer: Sequence[Entry]) -> list[LabelledBox]:
    """Returns the boxes above the pipeline's default threshold of 0.5."""
    return [LabelledBox(entry["label"], box_of(entry)) for entry in answer if entry["score"] > 0.5]


def best_box_of_each_label(answer: Sequence[Entry]) -> list[LabelledBox]:
    """Returns the best box of each label: zero-shot models find several for one object."""
    return [LabelledBox(entry["label"], box_of(entry)) for entry in reversed(best_of_each(answer).values())]


def with_labels(sample: Any) -> dict[str, Any]:
    return {"image": sample, "candidate_labels": list(LABELS)}


def invalid_inputs(pipe: Pipe) -> dict[str, Any]:
    wrong = {name: with_labels(each) for name, each in invalid_images(pipe).items()}
    return {**wrong, "no labels": {"image": images.picture(images.KINDS[0])}}


CONTRACTS = (
    Contract(
        tasks=("object-detection",),
        samples=lambda pipe: scenes.pictures(),
        problems=problems,
        options=lambda pipe: {"threshold": 0.0},
        other_forms=image_forms,
        invalid_inputs=invalid_images,
        meaning=lambda answer: as_text(detected(answer)),
        match_canary=lambda answer, expected: match_expected(detected(answer), expected),
        comparable=best_of_each,
        integer_tolerance=1,
    ),
    Contract(
        tasks=("zero-shot-object-detection",),
        samples=lambda pipe: [with_labels(picture) for picture in scenes.pictures()],
        problems=zero_shot_problems,
        options=lambda pipe: {"threshold": 0.0},
        other_forms=lambda sample: {
            f"a table with a {name}": {**sample, "image": form} for name, form in image_forms(sample["image"]).items()
        },
        invalid_inputs=invalid_inputs,
        meaning=lambda answer: as_text(best_box_of_each_label(answer)),
        match_canary=lambda answer, expected: match_expected(best_box_of_each_label(answer), expected),
        comparable=best_of_each,
        integer_tolerance=1,
    ),
)
