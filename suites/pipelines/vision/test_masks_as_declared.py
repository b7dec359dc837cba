from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from fixtures.pipelines.pipe import Pipe
from suites.findings import Defect, Record
from suites.pipelines.contracts.registry import contract_of
from suites.pipelines.image_processing.processors import processor_of

KINDS = ("semantic", "instance", "panoptic")


@pytest.mark.tasks("image-segmentation")
def test_masks_as_declared(pipe: Pipe, task: str, record: Record) -> None:
    """Semantic masks cover each pixel once, and panoptic ones at most once.

    Why: areas and shares are counted from masks; a pixel that is counted twice, or in no mask, makes them wrong by an
    amount that depends on the picture.
    Fix: look at what post-processing makes of the logits: labels that are left out, or masks that are not compared.
    Source: https://huggingface.co/docs/transformers/tasks/semantic_segmentation
    """
    contract, processor = contract_of(pipe), processor_of(pipe)
    kinds = [kind for kind in KINDS if hasattr(processor, f"post_process_{kind}_segmentation")]
    record.capability(f"pipelines.{task}.kinds", ", ".join(kinds))
    for sample in contract.samples(pipe):
        for kind in (each for each in kinds if each != "instance"):
            _count(kind, contract.answer(pipe, sample, subtask=kind), sample.size)


def _count(kind: str, answer: Sequence[Mapping[str, Any]], size: tuple[int, int]) -> None:
    import numpy

    times = numpy.zeros(size[::-1], dtype="int64")
    for entry in answer:
        mask = numpy.asarray(entry["mask"])
        if mask.shape != times.shape:
            raise Defect(
                f"image-segmentation: a {kind} mask has the shape {list(mask.shape)}, not {list(times.shape)}."
            )
        times += mask > 0
    least = 1 if kind == "semantic" else 0
    wrong = int(((times > 1) | (times < least)).sum())
    if wrong:
        raise Defect(
            f"image-segmentation: {wrong} of {times.size} pixels are in {_how_often(times, least)} {kind} masks.",
            evidence={"kind": kind, "labels": [entry["label"] for entry in answer], "pixels": wrong},
        )


def _how_often(times: Any, least: int) -> str:
    return "several" if int(times.max()) > 1 else "no" if least else "several"
