"""Rows about pipelines that see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fixtures.pipelines.pipe import Pipe
from selftests.gallery.edits import edit_weights, set_keys
from selftests.gallery.registry import mutant

PICTURES, FEATURES = "tiny-image-classification", "tiny-image-feature-extraction"
SETTINGS = "preprocessor_config.json"


def unchanged(directory: Path) -> None:
    """The defect is put into what was loaded."""


@mutant(
    "PV01",
    "pictures are divided by 255 twice",
    source="own",
    base=PICTURES,
    caught_by="pipelines/image-range",
    naming=("rescale factor", "not 1/255"),
)
def twice_rescaled(directory: Path) -> None:
    set_keys(directory / SETTINGS, rescale_factor=1 / 255**2)


@mutant(
    "PV02",
    "levels up to 255 are normalised as if they went up to 1",
    source="own",
    base=FEATURES,
    caught_by="pipelines/image-range",
    naming="rescale factor is none",
)
def never_rescaled(directory: Path) -> None:
    set_keys(directory / SETTINGS, do_rescale=False)


@mutant(
    "PV03",
    "the mean and the spread are those of another training",
    source="own",
    base=PICTURES,
    caught_by="pipelines/canaries",
    naming="known answer",
)
def other_mean(directory: Path) -> None:
    set_keys(directory / SETTINGS, image_mean=[0.95, 0.95, 0.95], image_std=[0.05, 0.05, 0.05])


def nearest(pipe: Pipe) -> None:
    pipe.library.image_processor.resample = 0


mutant(
    "P09",
    "the processor takes another interpolation than its file says",
    source="huggingface/transformers#42956",
    base=PICTURES,
    caught_by="pipelines/pixels-as-declared",
    naming=("levels from those", "bilinear"),
    patch_pipe=nearest,
)(unchanged)


def resizes_as_tensors(pipe: Pipe) -> None:
    """Bilinear without the filter against aliasing: what torch does with tensors and Pillow never does."""
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
    "P08",
    "a fast implementation of the processor does what the slow one did not",
    source="huggingface/transformers#39591",
    base=FEATURES,
    caught_by="pipelines/pixels-as-declared",
    naming=("ViTImageProcessor", "levels from those"),
    patch_pipe=resizes_as_tensors,
)(unchanged)


@mutant(
    "PV04",
    "a layer of a picture's features overflows",
    source="own",
    base=FEATURES,
    caught_by="pipelines/output-conforms",
    naming="NaN or infinite",
)
def broken_features(directory: Path) -> None:
    def edit(tensors: dict[str, Any]) -> dict[str, Any]:
        tensors["layernorm.bias"][0] = float("nan")
        return tensors

    edit_weights(directory, edit)
