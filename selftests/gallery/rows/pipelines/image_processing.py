"""Defects of image processors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fixtures.pipelines.pipe import Pipe
from selftests.gallery.edits.files import set_keys, unchanged
from selftests.gallery.edits.pipes import processing
from selftests.gallery.registry import healthy, mutant

SETTINGS = "preprocessor_config.json"


def blue_first(prepare: Any) -> Any:
    """Puts the channels of every image in the order of OpenCV."""

    def turned(*given: Any, **options: Any) -> Any:
        made = prepare(*given, **options)
        made["pixel_values"] = made["pixel_values"][:, [2, 1, 0]]
        return made

    return turned


mutant(
    "image-channels-bgr",
    "images reach the model with blue first",
    number="PA09",
    source="own",
    base="tiny-image-segmentation",
    caught_by="pipelines/colours-as-declared",
    summary_contains="blue first",
    patch_pipe=processing("__call__", blue_first),
)(unchanged)


def other_mean(pipe: Pipe) -> None:
    pipe.library.image_processor.image_mean = [0.485, 0.456, 0.406]


mutant(
    "processor-mean-overridden",
    "a processor normalises with the mean of another training than its file says",
    number="PA10",
    source="huggingface/transformers#34785",
    base="tiny-depth-estimation",
    caught_by="pipelines/colours-as-declared",
    summary_contains=("reaches the model as", "mean and std"),
    patch_pipe=other_mean,
)(unchanged)


@mutant(
    "image-mean-for-255",
    "mean and standard deviation are those of levels up to 255, after a rescaling to 1",
    number="PC03",
    source="own",
    base="tiny-image-classification",
    caught_by="pipelines/image-range",
    summary_contains=("black and white", "image_std"),
)
def image_mean_for_255(directory: Path) -> None:
    set_keys(directory / SETTINGS, image_mean=[127.5] * 3, image_std=[127.5] * 3)


@mutant(
    "classifier-image-rescaled-twice",
    "images are divided by 255 twice",
    number="PV01",
    source="own",
    base="tiny-image-classification",
    caught_by="pipelines/image-range",
    summary_contains=("rescale factor", "not 1/255"),
)
def classifier_image_rescaled_twice(directory: Path) -> None:
    set_keys(directory / SETTINGS, rescale_factor=1 / 255**2)


@mutant(
    "image-never-rescaled",
    "levels up to 255 are normalised as if they went up to 1",
    number="PV02",
    source="own",
    base="tiny-image-feature-extraction",
    caught_by="pipelines/image-range",
    summary_contains="rescale factor is none",
)
def image_never_rescaled(directory: Path) -> None:
    set_keys(directory / SETTINGS, do_rescale=False)


@mutant(
    "detector-rescaled-twice",
    "a detector's images are divided by 255 twice",
    number="PA06",
    source="own",
    base="tiny-object-detection",
    caught_by="pipelines/image-range",
    summary_contains=("rescale factor", "not 1/255"),
)
def detector_rescaled_twice(directory: Path) -> None:
    set_keys(directory / SETTINGS, rescale_factor=1 / 255**2)


def nearest(pipe: Pipe) -> None:
    pipe.library.image_processor.resample = 0


mutant(
    "interpolation-differs",
    "the processor takes another interpolation than its file says",
    number="P09",
    source="huggingface/transformers#42956",
    base="tiny-image-classification",
    caught_by="pipelines/pixels-as-declared",
    summary_contains=("levels from those", "bilinear"),
    patch_pipe=nearest,
)(unchanged)


def resizes_as_tensors(pipe: Pipe) -> None:
    """Resizes without the filter against aliasing, as torch does with tensors and Pillow never does."""
    import numpy
    import torch

    processor = pipe.library.image_processor

    def resize(self: Any, image: Any, *given: Any, **options: Any) -> Any:
        first = image if image.shape[0] == 3 else numpy.moveaxis(image, -1, 0)
        size = (processor.size["height"], processor.size["width"])
        tensor = torch.from_numpy(numpy.ascontiguousarray(first)).float()[None]
        small = torch.nn.functional.interpolate(tensor, size, mode="bilinear").round().numpy()[0].astype(image.dtype)
        return small if image.shape[0] == 3 else numpy.moveaxis(small, 0, -1)

    kind = type(processor)
    processor.__class__ = type(kind.__name__, (kind,), {"resize": resize})


mutant(
    "fast-processor-differs",
    "a fast implementation of the processor does what the slow one did not",
    number="P08",
    source="huggingface/transformers#39591",
    base="tiny-image-feature-extraction",
    caught_by="pipelines/pixels-as-declared",
    summary_contains=("ViTImageProcessor", "levels from those"),
    patch_pipe=resizes_as_tensors,
)(unchanged)


def cropped(directory: Path) -> None:
    """The settings of CLIP and its like: the shorter edge is resized, and the middle is cropped."""
    square = {"height": 32, "width": 32}
    crop = {"size": {"shortest_edge": 32}, "do_center_crop": True, "crop_size": square}
    set_keys(directory / SETTINGS, image_processor_type="CLIPImageProcessor", **crop)


mutant(
    "other-interpolation-before-a-crop",
    "the processor takes another interpolation than its file says, and crops",
    source="huggingface/transformers#42956",
    base="tiny-image-feature-extraction",
    caught_by="pipelines/pixels-as-declared",
    summary_contains=("levels from those", "those of nearest interpolation"),
    patch_pipe=nearest,
)(cropped)


healthy(
    "shorter-edge-and-crop",
    "the shorter edge is resized and the middle is cropped",
    base="tiny-image-feature-extraction",
    check="pipelines/pixels-as-declared",
)(cropped)


@healthy(
    "share-that-is-cropped",
    "the size after a crop is declared, with the share that is cropped (ConvNeXT)",
    base="tiny-image-feature-extraction",
    check="pipelines/pixels-as-declared",
)
def share_that_is_cropped(directory: Path) -> None:
    kind = {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": 32}, "crop_pct": 0.875}
    set_keys(directory / SETTINGS, **kind)


@healthy(
    "levels-normalised-without-rescaling",
    "mean and standard deviation are those of levels up to 255, which are not rescaled",
    base="tiny-image-classification",
    check="pipelines/image-range",
    outcome="not_applicable",
)
def levels_normalised_without_rescaling(directory: Path) -> None:
    set_keys(directory / SETTINGS, do_rescale=False, image_mean=[127.5] * 3, image_std=[127.5] * 3)
