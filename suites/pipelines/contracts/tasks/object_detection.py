"""Pictures to boxes around things."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fixtures.inputs import images, scenes
from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.boxes_in_pictures import Box, Found, agreed, misplaced, told
from suites.pipelines.contracts.contract import Contract, InputWithOptions
from suites.pipelines.contracts.scores import as_probabilities, sorted_down
from suites.pipelines.contracts.tasks.image_classification import no_pictures, other_forms

SIDES = ("xmin", "ymin", "xmax", "ymax")
SURE = 0.5
"""Share of the best score from which a box counts: of the others rounding may decide."""
LABELS = scenes.LABELS
Entry = Mapping[str, Any]


def box_of(entry: Entry) -> Box:
    xmin, ymin, xmax, ymax = (entry["box"][side] for side in SIDES)
    return xmin, ymin, xmax, ymax


def problems(sample: Any, answer: Sequence[Entry], pipe: Pipe) -> Iterator[str]:
    """Labels of the config with probabilities and boxes in pixels of the picture."""
    yield from _placed(sample, answer, {str(label) for label in pipe.model.config.id2label.values()})


def asked_problems(sample: Mapping[str, Any], answer: Sequence[Entry], pipe: Pipe) -> Iterator[str]:
    """Labels that were asked for, the best first, with probabilities and boxes in pixels of the picture."""
    yield from _placed(sample["image"], answer, {*sample["candidate_labels"]})
    yield from sorted_down([entry["score"] for entry in answer])


def _placed(picture: Any, answer: Sequence[Entry], labels: set[str]) -> Iterator[str]:
    yield from as_probabilities([entry["score"] for entry in answer], exclusive=False)
    strange = {entry["label"] for entry in answer} - labels
    if strange:
        yield f"the label {min(strange)!r} is none of {sorted(labels)}"
    for entry in surest(answer):
        if not isinstance(entry["box"]["xmin"], int):
            yield f"the box {entry['box']} is not in whole pixels"
        yield from misplaced(box_of(entry), picture.size)
    yield from _shrunk(picture.size, surest(answer))


def _shrunk(size: tuple[int, int], answer: Sequence[Entry]) -> Iterator[str]:
    """Boxes in shares of the picture, not in pixels, all lie in its first pixel."""
    if answer and all(max(box_of(entry)) <= 1 for entry in answer) and min(size) > 8:
        yield "all boxes lie in the first pixel: they are shares of the picture's sides, not pixels"


def surest(answer: Sequence[Entry]) -> list[Entry]:
    best = max((entry["score"] for entry in answer), default=0.0)
    return [entry for entry in answer if entry["score"] > SURE * best]


def best_of_each(answer: Sequence[Entry]) -> dict[str, Entry]:
    """Of the boxes that count the best for each label: the order of near ones is a matter of rounding."""
    return {entry["label"]: entry for entry in sorted(surest(answer), key=lambda entry: entry["score"])}


def found(answer: Sequence[Entry]) -> list[Found]:
    """What is told at the pipeline's own threshold of one half."""
    return [Found(entry["label"], box_of(entry)) for entry in answer if entry["score"] > 0.5]


def found_by_name(answer: Sequence[Entry]) -> list[Found]:
    """The best box of each label: such models draw several around one thing."""
    return [Found(entry["label"], box_of(entry)) for entry in reversed(best_of_each(answer).values())]


def with_labels(sample: Any) -> dict[str, Any]:
    return {"image": sample, "candidate_labels": list(LABELS)}


def asked(known: Mapping[str, Any], pipe: Pipe) -> Any:
    """A canary brings its own labels."""
    return known if "image" in known else InputWithOptions(known, {"candidate_labels": list(LABELS)})


def strange_inputs(pipe: Pipe) -> dict[str, Any]:
    wrong = {name: with_labels(each) for name, each in no_pictures(pipe).items()}
    return {**wrong, "no labels": {"image": images.drawn(images.KINDS[0])}}


CONTRACTS = (
    Contract(
        tasks=("object-detection",),
        samples=lambda pipe: scenes.pictures(),
        problems=problems,
        options=lambda pipe: {"threshold": 0.0},
        other_forms=other_forms,
        invalid_inputs=no_pictures,
        meaning=lambda answer: told(found(answer)),
        match_canary=lambda answer, expected: agreed(found(answer), expected),
        comparable=best_of_each,
        integer_tolerance=1,
    ),
    Contract(
        tasks=("zero-shot-object-detection",),
        samples=lambda pipe: [with_labels(picture) for picture in scenes.pictures()],
        problems=asked_problems,
        options=lambda pipe: {"threshold": 0.0},
        other_forms=lambda sample: {
            f"a table with a {name}": {**sample, "image": form} for name, form in other_forms(sample["image"]).items()
        },
        invalid_inputs=strange_inputs,
        meaning=lambda answer: told(found_by_name(answer)),
        match_canary=lambda answer, expected: agreed(found_by_name(answer), expected),
        comparable=best_of_each,
        integer_tolerance=1,
    ),
)
