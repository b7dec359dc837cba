"""Defects of pipelines that draw."""

from __future__ import annotations

from fixtures.pipelines.pipe import Pipe
from selftests.gallery.edits.files import unchanged
from selftests.gallery.registry import mutant


def without_seed(pipe: Pipe) -> None:
    call = pipe.call
    pipe.call = lambda inputs, **options: call(inputs, **{**options, "seed": 0})


mutant(
    "image-seed-ignored",
    "the seed of an image is ignored",
    number="PB14",
    source="own",
    base="tiny-text-to-image",
    caught_by="pipelines/pictures-follow-their-seed",
    summary_contains="seeds are ignored",
    patch_pipe=without_seed,
)(unchanged)
