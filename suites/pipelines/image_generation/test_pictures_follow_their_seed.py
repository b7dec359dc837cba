from __future__ import annotations

import pytest

from fixtures.pipelines.pipe import Pipe
from suites.findings import Defect
from suites.pipelines.contracts.agreement import rounding
from suites.pipelines.contracts.registry import contract_of

OTHER = 1


@pytest.mark.tasks("text-to-image", "unconditional-image-generation")
def test_pictures_follow_their_seed(pipe: Pipe, task: str) -> None:
    """A seed gives the same picture again, and another seed another one.

    Why: a picture that cannot be drawn again cannot be corrected or compared; where the seed is ignored, one noise is
    drawn for everybody, or a new one each time.
    Fix: look for schedulers that draw noise of their own, and for a generator that does not reach them.
    Source: https://huggingface.co/docs/diffusers/using-diffusers/reusing_seeds
    """
    import numpy

    contract = contract_of(pipe)
    sample = contract.samples(pipe)[0]
    again, other = contract.answer(pipe, sample), contract.answer(pipe, sample, seed=OTHER)
    if apart := contract.difference(pipe, pipe.first, again):
        raise Defect(f"{task}: with the same seed {apart}.")
    largest = float(numpy.abs(numpy.asarray(other, dtype="float64") - again).max())
    if largest <= rounding(pipe):
        raise Defect(f"{task}: seeds are ignored: 0 and {OTHER} give the same picture.", evidence={"apart": largest})
