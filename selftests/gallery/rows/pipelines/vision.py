"""Defects of pipelines for boxes, masks, keypoints and videos."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fixtures.pipelines.pipe import Pipe
from selftests.gallery.edits.files import unchanged
from selftests.gallery.edits.pipes import answering, preprocessing, processing, without
from selftests.gallery.registry import healthy, mutant


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
    "video-frames-reversed",
    "the frames of a video come backwards",
    number="PA35",
    source="own",
    base="tiny-video-classification",
    caught_by="pipelines/frames-in-order",
    summary_contains="reach the model in this order",
    patch_pipe=framed(lambda frames: frames.flip(1)),
)(unchanged)


mutant(
    "video-frames-repeated",
    "every second frame is taken twice",
    number="PA36",
    source="own",
    base="tiny-video-classification",
    caught_by="pipelines/frames-in-order",
    summary_contains="each once",
    patch_pipe=framed(lambda frames: frames[:, ::2].repeat_interleave(2, dim=1)),
)(unchanged)


def rate_ignored(prepare: Any) -> Any:
    return lambda video, num_frames=None, frame_sampling_rate=1: prepare(video, num_frames)


mutant(
    "frame-sampling-rate-ignored",
    "frame_sampling_rate is ignored",
    number="PA37",
    source="huggingface/transformers#48076",
    base="tiny-video-classification",
    caught_by="pipelines/frames-in-order",
    summary_contains=("frame_sampling_rate=2", "not every second"),
    patch_pipe=preprocessing(rate_ignored),
)(unchanged)


mutant(
    "semantic-mask-missing",
    "the ground is in no mask",
    number="PA08",
    source="own",
    base="tiny-image-segmentation",
    caught_by="pipelines/masks-as-declared",
    summary_contains="in no semantic masks",
    patch_pipe=answering(lambda found: [each for each in found if each["label"] != "ground"]),
)(unchanged)


def whole_picture(found: Any) -> Any:
    """Extends the first mask over the whole image."""
    first = found[0]["mask"]
    first.paste(255, (0, 0, *first.size))
    return found


mutant(
    "panoptic-masks-overlap",
    "panoptic masks overlap",
    number="PA19",
    source="own",
    base="tiny-image-segmentation-panoptic",
    caught_by="pipelines/masks-as-declared",
    summary_contains=("pixels are in several", "masks"),
    since="5.0",  # with 4.57 the model needs SciPy too, which its environment has not
    patch_pipe=answering(whole_picture),
)(unchanged)


def sizes_exchanged(post: Any) -> Any:
    return lambda outputs, threshold=0.5, target_sizes=None: post(outputs, threshold, target_sizes.flip(-1))


mutant(
    "boxes-width-height-swapped",
    "boxes are brought back with width for height",
    number="PA03",
    source="huggingface/transformers#27205",
    base="tiny-object-detection",
    caught_by="pipelines/places-follow-size",
    summary_contains=("at the model's size", "of a side apart"),
    patch_pipe=processing("post_process_object_detection", sizes_exchanged),
)(unchanged)


def three_times_as_far(found: Any) -> Any:
    for match in found:
        match["keypoint_image_1"] = {side: 3 * each for side, each in match["keypoint_image_1"].items()}
    return found


mutant(
    "keypoints-scaled-by-other-image",
    "points are scaled by the size of another image",
    number="PA15",
    source="huggingface/transformers#42005",
    base="tiny-keypoint-matching",
    caught_by="pipelines/points-lie-in-pictures",
    summary_contains=("is outside of image", "wide"),
    patch_pipe=answering(three_times_as_far),
)(unchanged)


mutant(
    "detection-threshold-lost",
    "the threshold is lost on its way",
    number="PA05",
    source="own",
    base="tiny-object-detection",
    caught_by="pipelines/thresholds-respected",
    summary_contains="threshold is not respected",
    patch_pipe=without("threshold"),
)(unchanged)


mutant(
    "keypoint-threshold-lost",
    "the threshold for points is lost on its way",
    number="PA14",
    source="own",
    base="tiny-keypoint-matching",
    caught_by="pipelines/thresholds-respected",
    summary_contains="threshold is not respected",
    patch_pipe=without("threshold"),
)(unchanged)


def heights_first(prepare: Any) -> Any:
    """Gives the sizes of images as height and width, which the processor expects."""

    def changed(images: Any, **options: Any) -> Any:
        made = prepare(images, **options)
        return made | {"target_sizes": [size[::-1] for size in made["target_sizes"]]}

    return changed


healthy(
    "keypoints-with-height-first",
    "the pipeline passes height and width of images in the right order",
    base="tiny-keypoint-matching",
    check="pipelines/points-lie-in-pictures",
    patch_pipe=preprocessing(heights_first),
)(unchanged)
