"""The image processor of a pipe, and what of it has an independent reference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from fixtures.inputs import images
from fixtures.pipelines.pipe import Pipe
from suites.findings import Unsupported

PICTURE_TASKS = (
    *("image-classification", "image-feature-extraction", "image-segmentation", "depth-estimation", "mask-generation"),
    *("object-detection", "zero-shot-object-detection", "zero-shot-image-classification", "keypoint-matching"),
    *("video-classification", "image-to-image", "image-text-to-text", "image-to-text", "visual-question-answering"),
)
"""Tasks whose models see pictures and nothing else, or pictures beside a text of their own."""
SEVERAL = {"keypoint-matching": 2, "video-classification": 2}
"""Pictures that are given together."""
SHAPING = ("do_center_crop", "do_pad", "do_thumbnail", "crop_pct", "keep_aspect_ratio", "do_align_long_axis")
"""Settings with which a picture is not stretched to `size` alone."""
PIXELS = "pixel_values"
LEVELS = 255
CHANNELS = (1, 3, 4)


def processor_of(pipe: Pipe) -> Any:
    """The image processor of a pipe; `Unsupported` where it has none."""
    library = pipe.library or pipe.call
    found = getattr(library, "image_processor", None) or getattr(
        getattr(library, "processor", None), "image_processor", None
    )
    if found is None:
        raise Unsupported(f"the pipeline {pipe.task} has no image processor")
    if wrong := next(unusable(found), None):
        raise Unsupported(f"{wrong} (see pipelines/pipeline-runs)")
    return found


def unusable(processor: Any) -> Iterator[str]:
    """Settings with which no picture comes out, in words that name file and key."""
    if not setting(processor, "do_normalize"):
        return
    for name in ("image_mean", "image_std"):
        value = setting(processor, name)
        if isinstance(value, (list, tuple)) and len(value) not in CHANNELS:
            yield f"preprocessor_config.json has {len(value)} numbers as {name}, pictures have 3 channels"
    spread = setting(processor, "image_std")
    if spread is not None and not all(spread if isinstance(spread, (list, tuple)) else [spread]):
        yield "preprocessor_config.json has 0 in image_std, by which pictures are divided"


def pixels(processor: Any, picture: Any, task: str = "", **options: Any) -> Any:
    """channels x height x width numbers that the model gets for a picture; of pairs and videos the first one's."""
    import numpy

    several = [picture] * SEVERAL.get(task, 1)
    try:
        given = processor(several if len(several) > 1 else picture, return_tensors="np", **options)
    except (
        TypeError,
        ValueError,
        AttributeError,
        IndexError,
    ) as error:  # pipelines/pipeline-runs tells if it always is
        told = f"{type(error).__name__}: {str(error)[:160]}"
        raise Unsupported(f"{type(processor).__name__} takes no such picture alone: {told}") from error
    if PIXELS not in given:
        raise Unsupported(f"{type(processor).__name__} makes {sorted(given)}, not {PIXELS}")
    found = numpy.asarray(given[PIXELS], dtype="float64")[0]
    while found.ndim > 3:
        found = found[0]
    if found.ndim != 3:
        raise Unsupported(f"{type(processor).__name__} makes {PIXELS} of the shape {list(found.shape)}: no picture")
    return found


def levels() -> Any:
    """height x width x 3 levels from 0 to 255."""
    import numpy

    return numpy.asarray(images.drawn(images.KINDS[0], images.SIZES[2]))


def per_channel(value: Any, default: float) -> Any:
    """channels x 1 x 1 numbers of a list or of one number."""
    import numpy

    return numpy.reshape(numpy.asarray(default if value is None else value, dtype="float64"), (-1, 1, 1))


def setting(processor: Any, name: str, default: Any = None) -> Any:
    return getattr(processor, name, default)


def deviation(processor: Any) -> float:
    """By how much numbers from 0 to 1 are spread, at most."""
    spread = setting(processor, "image_std") if setting(processor, "do_normalize") else None
    values = spread if isinstance(spread, (list, tuple)) else [spread or 1.0]
    return float(min(values))


def exact_size(processor: Any) -> tuple[int, int] | None:
    """Width and height to which every picture is stretched; None where it keeps its proportions or is cut."""
    size = setting(processor, "size")
    plain = dict(size) if isinstance(size, Iterable) else {}  # the newer class of sizes is no mapping
    other = any(setting(processor, name) for name in SHAPING)
    sides = {name: value for name, value in plain.items() if value is not None}
    if other or sides.keys() != {"height", "width"} or not setting(processor, "do_resize"):
        return None
    return sides["width"], sides["height"]
