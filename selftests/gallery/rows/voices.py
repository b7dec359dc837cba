"""Rows about pipelines that speak."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fixtures.pipelines.pipe import Pipe
from selftests.gallery.edits import edit_weights
from selftests.gallery.registry import mutant

VOICE = "tiny-text-to-audio"


def other_rate(pipe: Pipe) -> None:
    pipe.library.sampling_rate = 22050


@mutant(
    "P12",
    "a voice comes with another rate than its config says",
    source="own",
    base=VOICE,
    caught_by="pipelines/output-conforms",
    naming=("rate of 22050", "config says 16000"),
    patch_pipe=other_rate,
)
def unchanged(directory: Path) -> None:
    """The defect is put into what was loaded."""


@mutant(
    "PV10",
    "the last layer of a voice overflows",
    source="own",
    base=VOICE,
    caught_by="pipelines/output-conforms",
    naming="NaN or infinite",
)
def broken_voice(directory: Path) -> None:
    def edit(tensors: dict[str, Any]) -> dict[str, Any]:
        tensors["decoder.conv_post.weight"][...] = float("nan")
        return tensors

    edit_weights(directory, edit)
