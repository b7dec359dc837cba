"""Rows about pipelines that find things in pictures, tell depth, or make other pictures."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from fixtures.pipelines.pipe import Pipe
from selftests.gallery.edits import set_keys
from selftests.gallery.registry import mutant

BOXES, NAMED = "tiny-object-detection", "tiny-zero-shot-object-detection"
REGIONS, PANOPTIC, DEPTH = "tiny-image-segmentation", "tiny-image-segmentation-panoptic", "tiny-depth-estimation"
POINTS, LARGER = "tiny-keypoint-matching", "tiny-image-to-image"
SETTINGS = "preprocessor_config.json"


def unchanged(directory: Path) -> None:
    """The defect is put into what was loaded."""


def answering(change: Callable[[Any], Any]) -> Callable[[Pipe], None]:
    """Changes the answer to one input, of the library's pipeline or of what replaced it."""

    def patch(pipe: Pipe) -> None:
        maker, name = (pipe.library, "postprocess") if pipe.library else (pipe.call, "_made")
        made = getattr(maker, name)
        setattr(maker, name, lambda *given, **options: change(made(*given, **options)))

    return patch


def processing(name: str, change: Callable[[Any], Callable[..., Any]]) -> Callable[[Pipe], None]:
    """Changes a method of the pipe's image processor; in its class, so that the processor can be saved."""

    def patch(pipe: Pipe) -> None:
        processor = pipe.library.image_processor
        kind = type(processor)
        method = getattr(kind, name)

        def changed(self: Any, *given: Any, **options: Any) -> Any:
            return change(partial(method, self))(*given, **options)

        processor.__class__ = type(kind.__name__, (kind,), {name: changed})

    return patch


def without(option: str) -> Callable[[Pipe], None]:
    """An option is lost on its way."""

    def patch(pipe: Pipe) -> None:
        call = pipe.call
        pipe.call = lambda inputs, **options: call(
            inputs, **{name: each for name, each in options.items() if name != option}
        )

    return patch


def corner_and_size(found: Any) -> Any:
    """xmin, ymin, width and height where both corners should be."""
    sides = [each["box"] for each in found]
    for box in sides:
        box |= {"xmax": box["xmax"] - box["xmin"], "ymax": box["ymax"] - box["ymin"]}
    return found


mutant(
    "PA01",
    "boxes are a corner, a width and a height, not two corners",
    source="own",
    base=BOXES,
    caught_by="pipelines/output-conforms",
    naming=("ends before it begins", "xmin, ymin, xmax, ymax"),
    patch_pipe=answering(corner_and_size),
)(unchanged)


def sizes_forgotten(post: Any) -> Any:
    return lambda outputs, threshold=0.5, target_sizes=None: post(outputs, threshold)


mutant(
    "PA02",
    "boxes stay in shares of the picture's sides",
    source="own",
    base=BOXES,
    caught_by="pipelines/output-conforms",
    naming=("first pixel", "shares"),
    patch_pipe=processing("post_process_object_detection", sizes_forgotten),
)(unchanged)


def sizes_exchanged(post: Any) -> Any:
    return lambda outputs, threshold=0.5, target_sizes=None: post(outputs, threshold, target_sizes.flip(-1))


mutant(
    "PA03",
    "boxes are brought back with width for height",
    source="huggingface/transformers#27205",
    base=BOXES,
    caught_by="pipelines/places-follow-size",
    naming=("at the model's size", "of a side apart"),
    patch_pipe=processing("post_process_object_detection", sizes_exchanged),
)(unchanged)


@mutant(
    "PA04",
    "labels are shifted by one: 'no object' was counted as the first",
    source="own",
    base=BOXES,
    caught_by="pipelines/canaries",
    naming="known answer",
)
def shifted_labels(directory: Path) -> None:
    labels = ("blue disc", "red disc", "green disc")
    names = {str(number): label for number, label in enumerate(labels)}
    set_keys(directory / "config.json", id2label=names, label2id={label: int(each) for each, label in names.items()})


mutant(
    "PA05",
    "the threshold is lost on its way",
    source="own",
    base=BOXES,
    caught_by="pipelines/thresholds-respected",
    naming="threshold is not respected",
    patch_pipe=without("threshold"),
)(unchanged)


@mutant(
    "PA06",
    "a detector's pictures are divided by 255 twice",
    source="own",
    base=BOXES,
    caught_by="pipelines/image-range",
    naming=("rescale factor", "not 1/255"),
)
def twice_rescaled(directory: Path) -> None:
    set_keys(directory / SETTINGS, rescale_factor=1 / 255**2)


def masks_as_small_as_logits(post: Any) -> Any:
    return lambda outputs, target_sizes=None: post(outputs)


mutant(
    "PA07",
    "masks are as small as the logits",
    source="own",
    base=REGIONS,
    caught_by="pipelines/output-conforms",
    naming=("a mask is 16 x 16 pixels", "48 x 40"),
    patch_pipe=processing("post_process_semantic_segmentation", masks_as_small_as_logits),
)(unchanged)

mutant(
    "PA08",
    "the ground is in no mask",
    source="own",
    base=REGIONS,
    caught_by="pipelines/masks-as-declared",
    naming="in no semantic masks",
    patch_pipe=answering(lambda found: [each for each in found if each["label"] != "ground"]),
)(unchanged)


def whole_picture(found: Any) -> Any:
    """The first mask covers what the others cover too."""
    first = found[0]["mask"]
    first.paste(255, (0, 0, *first.size))
    return found


mutant(
    "PA19",
    "panoptic masks overlap",
    source="own",
    base=PANOPTIC,
    caught_by="pipelines/masks-as-declared",
    naming=("pixels are in several", "masks"),
    since="5.0",  # with 4.57 the model needs SciPy too, which its environment has not
    patch_pipe=answering(whole_picture),
)(unchanged)


def blue_first(prepare: Any) -> Any:
    """The channels of every picture come in the order of OpenCV."""

    def turned(*given: Any, **options: Any) -> Any:
        made = prepare(*given, **options)
        made["pixel_values"] = made["pixel_values"][:, [2, 1, 0]]
        return made

    return turned


mutant(
    "PA09",
    "pictures reach the model with blue first",
    source="own",
    base=REGIONS,
    caught_by="pipelines/colours-as-declared",
    naming="blue first",
    patch_pipe=processing("__call__", blue_first),
)(unchanged)


def other_mean(pipe: Pipe) -> None:
    pipe.library.image_processor.image_mean = [0.485, 0.456, 0.406]


mutant(
    "PA10",
    "a processor normalises with the mean of another training than its file says",
    source="huggingface/transformers#34785",
    base=DEPTH,
    caught_by="pipelines/colours-as-declared",
    naming=("reaches the model as", "mean and spread"),
    patch_pipe=other_mean,
)(unchanged)


def near_for_far(model: Any) -> None:
    forward = model.forward

    def changed(*given: Any, **options: Any) -> Any:
        output = forward(*given, **options)
        output["predicted_depth"] = 5 - output.predicted_depth
        return output

    model.forward = changed


mutant(
    "PA11",
    "what is far is told as near",
    source="own",
    base=DEPTH,
    caught_by="pipelines/canaries",
    naming="known answer",
    patch=near_for_far,
)(unchanged)


def shown_inverted(answer: Any) -> Any:
    from PIL import ImageOps

    return {**answer, "depth": ImageOps.invert(answer["depth"])}


mutant(
    "PA12",
    "the picture of the depth is a negative of the numbers",
    source="own",
    base=DEPTH,
    caught_by="pipelines/output-conforms",
    naming="does not show it",
    patch_pipe=answering(shown_inverted),
)(unchanged)

mutant(
    "PA13",
    "the depth is not brought to the picture's size",
    source="own",
    base=DEPTH,
    caught_by="pipelines/output-conforms",
    naming=("the depth has the shape", "40 high and 48 wide"),
    patch_pipe=processing("post_process_depth_estimation", lambda post: lambda outputs, sizes=None: post(outputs)),
)(unchanged)

mutant(
    "PA14",
    "the threshold for points is lost on its way",
    source="own",
    base=POINTS,
    caught_by="pipelines/thresholds-respected",
    naming="threshold is not respected",
    patch_pipe=without("threshold"),
)(unchanged)


def three_times_as_far(found: Any) -> Any:
    for match in found:
        match["keypoint_image_1"] = {side: 3 * each for side, each in match["keypoint_image_1"].items()}
    return found


mutant(
    "PA15",
    "points are scaled by the size of another picture",
    source="huggingface/transformers#42005",
    base=POINTS,
    caught_by="pipelines/points-lie-in-pictures",
    naming=("lies outside of picture", "wide"),
    patch_pipe=answering(three_times_as_far),
)(unchanged)


def half_as_large(made: Any) -> Any:
    return made.resize((made.size[0] // 2, made.size[1] // 2))


mutant(
    "PA16",
    "an enlarged picture has its old size",
    source="own",
    base=LARGER,
    caught_by="pipelines/output-conforms",
    naming="2 times the original",
    patch_pipe=answering(half_as_large),
)(unchanged)


@mutant(
    "PA17",
    "a picture that is to be enlarged is divided by 255 twice, and comes out black",
    source="own",
    base=LARGER,
    caught_by="pipelines/canaries",
    naming="known answer",
)
def black(directory: Path) -> None:
    set_keys(directory / SETTINGS, rescale_factor=1 / 255**2)


def names_exchanged(found: Any) -> Any:
    other = {"red disc": "blue disc", "blue disc": "red disc"}
    return [{**each, "label": other.get(each["label"], each["label"])} for each in found]


mutant(
    "PA18",
    "boxes go with the labels of other questions",
    source="own",
    base=NAMED,
    caught_by="pipelines/canaries",
    naming="known answer",
    patch_pipe=answering(names_exchanged),
)(unchanged)
