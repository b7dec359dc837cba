from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from suites.findings import Defect, Record
from suites.pipelines.contracts.registry import contract_of
from suites.pipelines.processors import processor_of

KINDS = ("semantic", "instance", "panoptic")


@pytest.mark.tasks("image-segmentation")
@uses("task")
def test_masks_as_declared(pipe: Pipe, task: str, record: Record) -> None:
    """Semantic masks cover each pixel once, panoptic masks at most once.

    Why: areas are computed from masks; pixels in several masks, or in none, make them wrong by an amount that depends
    on the image.
    Fix: check post-processing: labels that are dropped, or masks that are thresholded independently.
    Source: https://huggingface.co/docs/transformers/tasks/semantic_segmentation
    """
    contract, processor = contract_of(pipe), processor_of(pipe)
    kinds = [kind for kind in KINDS if hasattr(processor, f"post_process_{kind}_segmentation")]
    record.capability(f"pipelines.{task}.segmentation_kinds", ", ".join(kinds))
    for sample in contract.samples(pipe):
        for kind in (each for each in kinds if each != "instance"):
            _check_coverage(kind, contract.answer(pipe, sample, subtask=kind), sample.size)


def _check_coverage(kind: str, answer: Sequence[Mapping[str, Any]], size: tuple[int, int]) -> None:
    import numpy

    counts = numpy.zeros(size[::-1], dtype="int64")
    for entry in answer:
        mask = numpy.asarray(entry["mask"])
        if mask.shape != counts.shape:
            raise Defect(
                f"image-segmentation: a {kind} mask has the shape {list(mask.shape)}, not {list(counts.shape)}."
            )
        counts += mask > 0
    minimum = 1 if kind == "semantic" else 0
    wrong = int(((counts > 1) | (counts < minimum)).sum())
    if wrong:
        raise Defect(
            f"image-segmentation: {wrong} of {counts.size} pixels are in {_how_many(counts, minimum)} {kind} masks.",
            evidence={"kind": kind, "labels": [entry["label"] for entry in answer], "pixels": wrong},
        )


def _how_many(counts: Any, minimum: int) -> str:
    return "several" if int(counts.max()) > 1 else "no" if minimum else "several"
