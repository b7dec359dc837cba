from __future__ import annotations

from typing import Any

from fixtures.models.loading import Loaded
from fixtures.session.needs import also_quantized, needs
from fixtures.subjects.subject import Subject
from suites.findings import Defect, Hazard
from suites.running import generate
from suites.running.dtypes.finite import Trouble, own
from suites.running.dtypes.precision import Place, Runs, first_place, own_dtype


@also_quantized
@needs("reads_text")
def test_logits_finite(subject: Subject, tokenizer: Any, loaded: Loaded, profile: str) -> None:
    """Every output is a finite number: for one token, for many, beside padding and beside an empty text.

    Why: one NaN makes every later token NaN, or the first of the vocabulary; a row that is padding alone, which an
        empty text in a batch is, can spoil its neighbours.
    Fix: Look at the layer that the finding names: an overflow of half precision, a division by a length or a sum that
        can be zero, a softmax over nothing but minus infinity.
    Source: https://github.com/huggingface/transformers/issues/38690 (NaN of padding reaches every position);
        https://github.com/pytorch/pytorch/issues/103749
    """
    with generate.refusals("A forward pass"):
        tried = own(loaded, tokenizer, subject.traits.parameters, profile)
    for case, found in tried.wrong.items():
        if found:
            runs = Runs(loaded.model, own_dtype(loaded.model))
            raise told(case, found, first_place(runs, tried.inputs[case]), runs.dtype)


def told(case: str, found: list[Trouble], place: Place | None, dtype: str) -> Defect | Hazard:
    """A hazard where nothing but the outputs of padding is concerned."""
    where = f"; {place} is the first whose output is not finite" if place else ""
    evidence = {"input": case, "outputs": [each.as_json() for each in found],
                "largest input of that module": place.largest_input if place else None}  # fmt: skip
    if all(each.in_padding_only for each in found):
        return Hazard(f"In {dtype}, {case}: {found[0].output} of padding are not finite{where}.", evidence=evidence)
    return Defect(f"In {dtype}, {case}: {found[0].output} are not finite{where}.", evidence=evidence)
