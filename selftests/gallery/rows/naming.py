"""Rows about pipelines whose labels the caller names, and about videos."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from fixtures.pipelines.pipe import Pipe
from selftests.gallery.edits import set_keys
from selftests.gallery.registry import mutant
from selftests.gallery.rows.places import answering, unchanged

SIGHTS, SOUNDS = "tiny-zero-shot-image-classification", "tiny-zero-shot-audio-classification"
CLIPS = "tiny-video-classification"


def preprocessing(change: Callable[[Any], Callable[..., Any]]) -> Callable[[Pipe], None]:
    """Changes what the library's pipeline does before the model."""

    def patch(pipe: Pipe) -> None:
        pipe.library.preprocess = change(pipe.library.preprocess)

    return patch


def template_ignored(prepare: Any) -> Any:
    return lambda given, hypothesis_template="", **options: prepare(given, hypothesis_template="{}", **options)


mutant(
    "PA30",
    "the hypothesis template is ignored",
    source="own",
    base=SIGHTS,
    caught_by="pipelines/template-is-used",
    naming="template is not used as given",
    patch_pipe=preprocessing(template_ignored),
)(unchanged)

mutant(
    "PA31",
    "the hypothesis template is ignored for sounds",
    source="own",
    base=SOUNDS,
    caught_by="pipelines/template-is-used",
    naming="template is not used as given",
    patch_pipe=preprocessing(template_ignored),
)(unchanged)


def scores_by_place(pipe: Pipe) -> None:
    """The best score goes to the label that was named first."""
    call = pipe.call

    def changed(inputs: Any, *, candidate_labels: Any, **options: Any) -> Any:
        found = call(inputs, candidate_labels=candidate_labels, **options)
        if not isinstance(found, list) or isinstance(found[0], list):
            return found
        return [{**each, "label": label} for each, label in zip(found, candidate_labels, strict=True)]

    pipe.call = changed


mutant(
    "PA32",
    "scores go with the places of labels",
    source="own",
    base=SIGHTS,
    caught_by="pipelines/labels-in-any-order",
    naming="scores go with places",
    patch_pipe=scores_by_place,
)(unchanged)

mutant(
    "PA33",
    "the scores of all labels do not sum up to one",
    source="own",
    base=SIGHTS,
    caught_by="pipelines/output-conforms",
    naming=("sum up to", "not 1"),
    patch_pipe=answering(lambda found: [{**each, "score": each["score"] / 2} for each in found]),
)(unchanged)


@mutant(
    "PA34",
    "sounds are cut off above a frequency of another training",
    source="own",
    base=SOUNDS,
    caught_by="pipelines/canaries",
    naming="known answer",
)
def other_frequencies(directory: Path) -> None:
    set_keys(directory / "preprocessor_config.json", frequency_max=1000)


def framed(change: Callable[[Any], Any]) -> Callable[[Pipe], None]:
    """Changes videos x frames x channels x height x width numbers."""

    def around(prepare: Any) -> Any:
        def prepared(*given: Any, **options: Any) -> Any:
            made = prepare(*given, **options)
            made["pixel_values"] = change(made["pixel_values"])
            return made

        return prepared

    return preprocessing(around)


mutant(
    "PA35",
    "the frames of a video come backwards",
    source="own",
    base=CLIPS,
    caught_by="pipelines/frames-in-order",
    naming="reach the model in this order",
    patch_pipe=framed(lambda frames: frames.flip(1)),
)(unchanged)

mutant(
    "PA36",
    "every second frame is taken twice",
    source="own",
    base=CLIPS,
    caught_by="pipelines/frames-in-order",
    naming="each once",
    patch_pipe=framed(lambda frames: frames[:, ::2].repeat_interleave(2, dim=1)),
)(unchanged)


def rate_ignored(prepare: Any) -> Any:
    return lambda video, num_frames=None, frame_sampling_rate=1: prepare(video, num_frames)


mutant(
    "PA37",
    "frame_sampling_rate is ignored",
    source="huggingface/transformers#48076",
    base=CLIPS,
    caught_by="pipelines/frames-in-order",
    naming=("frame_sampling_rate=2", "not every second"),
    patch_pipe=preprocessing(rate_ignored),
)(unchanged)


@mutant(
    "PA38",
    "left and right are exchanged in a video model's labels",
    source="own",
    base=CLIPS,
    caught_by="pipelines/canaries",
    naming="known answer",
)
def mirrored(directory: Path) -> None:
    labels = ("left", "right", "down", "up")
    names = {str(number): label for number, label in enumerate(labels)}
    set_keys(directory / "config.json", id2label=names, label2id={label: int(each) for each, label in names.items()})
