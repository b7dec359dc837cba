"""The image processor of a pipe, its settings, and the pixel values that it produces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fixtures.inputs import images
from fixtures.pipelines.pipe import Pipe
from fixtures.subjects.subject import Subject
from suites.findings import Blocked, Limit, NotApplicable

IMAGE_TASKS = (
    *("image-classification", "image-feature-extraction", "image-segmentation", "depth-estimation", "mask-generation"),
    *("object-detection", "zero-shot-object-detection", "zero-shot-image-classification", "keypoint-matching"),
    *("video-classification", "image-to-image", "image-text-to-text", "image-to-text", "visual-question-answering"),
)
"""Tasks whose models take images, alone or together with a text."""
IMAGES_PER_INPUT = {"keypoint-matching": 2, "video-classification": 2}
"""Tasks with several images in one input."""
FILE = "preprocessor_config.json"
COMPUTED = {
    *("do_resize", "do_rescale", "do_normalize", "do_center_crop", "do_convert_rgb", "do_flip_channel_order"),
    *("offset", "rescale_offset", "default_to_square", "do_reduce_labels", "do_convert_annotations"),
    *("disable_grouping", "return_segmentation_masks"),
}
"""Switches of processors that the checks compute, or that change no pixel."""
PIXELS = "pixel_values"
LEVELS = 255
CHANNELS = (1, 3, 4)


def processor_of(pipe: Pipe) -> Any:
    """Returns the image processor of a pipe; raises `NotApplicable` if it has none."""
    library = pipe.library or pipe.call
    found = getattr(library, "image_processor", None) or getattr(
        getattr(library, "processor", None), "image_processor", None
    )
    if found is None:
        raise NotApplicable(f"the pipeline {pipe.task} has no image processor")
    if wrong := next(unusable(found), None):
        raise Blocked("pipelines/pipeline-runs", wrong)
    return found


def unusable(processor: Any) -> Iterator[str]:
    """Yields a description of each setting that cannot work, with file and key."""
    if not setting(processor, "do_normalize"):
        return
    for name in ("image_mean", "image_std"):
        value = setting(processor, name)
        if isinstance(value, (list, tuple)) and len(value) not in CHANNELS:
            yield f"preprocessor_config.json has {len(value)} numbers as {name}, but images have 3 channels"
    spread = setting(processor, "image_std")
    if spread is not None and not all(spread if isinstance(spread, (list, tuple)) else [spread]):
        yield "preprocessor_config.json has 0 in image_std, by which pixel values are divided"


def pixel_values(processor: Any, image: Any, task: str = "", **options: Any) -> Any:
    """Returns the model's input for an image (channels x height x width), for pairs and videos the first one."""
    import numpy

    several = [image] * IMAGES_PER_INPUT.get(task, 1)
    try:
        output = processor(several if len(several) > 1 else image, return_tensors="np", **options)
    except (
        TypeError,
        ValueError,
        AttributeError,
        IndexError,
    ) as error:  # pipelines/pipeline-runs reports an error for every image
        message = f"{type(error).__name__}: {str(error)[:160]}"
        raise Limit(f"{type(processor).__name__} refuses an image without text: {message}") from error
    if PIXELS not in output:
        raise Limit(f"{type(processor).__name__} returns {sorted(output)}, not {PIXELS}")
    found = numpy.asarray(output[PIXELS], dtype="float64")[0]
    while found.ndim > 3:
        found = found[0]
    if found.ndim != 3:
        raise Limit(f"{type(processor).__name__} returns {PIXELS} of the shape {list(found.shape)}, not of an image")
    return found


def sample_image() -> Any:
    """Returns an image as an array: height x width x 3 levels from 0 to 255."""
    import numpy

    return numpy.asarray(images.picture(images.KINDS[0], images.SIZES[2]))


def per_channel(value: Any, default: float) -> Any:
    """Returns a list or a number as an array of channels x 1 x 1."""
    import numpy

    return numpy.reshape(numpy.asarray(default if value is None else value, dtype="float64"), (-1, 1, 1))


def setting(processor: Any, name: str, default: Any = None) -> Any:
    return getattr(processor, name, default)


def smallest_std(processor: Any) -> float:
    """Returns the smallest number by which normalization divides; 1 without normalization."""
    spread = setting(processor, "image_std") if setting(processor, "do_normalize") else None
    values = spread if isinstance(spread, (list, tuple)) else [spread or 1.0]
    return float(min(values))


def declared_settings(subject: Subject) -> dict[str, Any]:
    """Returns the settings of the image processor in the files: of its own file, else of the processor's."""
    if subject.has(FILE):
        return subject.json(FILE)
    nested = subject.json("processor_config.json").get("image_processor")
    return nested if isinstance(nested, dict) else {}


def other_step(processor: Any) -> str:
    """Returns the name of a switch that is on and that no check computes; empty if there is none."""
    switches = (name for name, value in vars(processor).items() if value is True and not name.startswith("_"))
    return next((name for name in switches if name not in COMPUTED), "")
