from __future__ import annotations

import pytest

from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from suites.findings import Defect
from suites.pipelines.contracts.agreement import rounding
from suites.pipelines.contracts.registry import contract_of

OTHER_SEED = 1


@pytest.mark.tasks("text-to-image", "unconditional-image-generation")
@uses("task")
def test_pictures_follow_their_seed(pipe: Pipe, task: str) -> None:
    """The same seed gives the same image, and another seed gives another one.

    Why: an image that cannot be reproduced cannot be refined or compared; if the seed is ignored, all images start from
    the same noise, or each from new noise.
    Fix: look for a scheduler that samples its own noise, or that the `generator` argument does not reach.
    Source: https://huggingface.co/docs/diffusers/using-diffusers/reusing_seeds
    """
    import numpy

    contract = contract_of(pipe)
    sample = contract.samples(pipe)[0]
    again, other = contract.answer(pipe, sample), contract.answer(pipe, sample, seed=OTHER_SEED)
    if mismatch := contract.difference(pipe, pipe.first, again):
        raise Defect(f"{task}: the same seed gives another image: {mismatch}.")
    largest = float(numpy.abs(numpy.asarray(other, dtype="float64") - again).max())
    if largest <= rounding(pipe):
        raise Defect(
            f"{task}: seeds are ignored: 0 and {OTHER_SEED} give the same image.",
            evidence={"largest difference": largest},
        )
