from __future__ import annotations

from typing import Any

from fixtures.models.loading import Loaded
from fixtures.session.needs import also_quantized, needs
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Blocked, Defect, Hazard
from suites.running import generate
from suites.running.dtypes.finite import NotFinite, own_results
from suites.running.dtypes.precision import CastModel, FailingModule, first_failing, own_dtype


@also_quantized
@needs("reads_text")
@uses("generation", "embeddings", "task")
def test_logits_finite(subject: Subject, tokenizer: Any, loaded: Loaded, profile: str) -> None:
    """Every output is finite: for one token, for a long text, in a padded batch, and in a batch with an empty text.

    Why: after one NaN every later token is NaN, or the first of the vocabulary. A row of padding only, such as an empty
        text in a batch, can spoil other rows.
    Fix: Look at the layer that the finding names: an overflow of half precision, a division by a length or sum that
        can be zero, a softmax over minus infinity only.
    Source: https://github.com/huggingface/transformers/issues/38690 (NaN of padding reaches every position);
        https://github.com/pytorch/pytorch/issues/103749
    """
    with generate.refusals("A forward pass"):
        results = own_results(loaded, tokenizer, subject.traits.parameters, profile)
    for name, outputs in results.not_finite.items():
        if outputs:
            _blame_weights(subject, loaded)
            model = CastModel(loaded.model, own_dtype(loaded.model))
            raise finding(name, outputs, first_failing(model, results.inputs[name]), model.dtype)


def _blame_weights(subject: Subject, loaded: Loaded) -> None:
    """Raises Blocked if a weight is not finite, in the dtype in which it is stored."""
    __tracebackhide__ = True
    if str(loaded.model.dtype) == f"torch.{subject.traits.dtype}":
        for name, weight in loaded.model.named_parameters():
            if weight.is_floating_point() and not weight.is_meta and not bool(weight.isfinite().all()):
                raise Blocked("integrity/weights-finite", f"{name} has values that are not finite")


def finding(name: str, outputs: list[NotFinite], module: FailingModule | None, dtype: str) -> Defect | Hazard:
    """Returns a hazard if only outputs of padding are not finite, else a defect."""
    where = f"; {module} is the first layer with an output that is not finite" if module else ""
    evidence = {
        "input": name,
        "outputs": [each.as_json() for each in outputs],
        "largest input of that module": module.largest_input if module else None,
    }
    output = outputs[0].output
    if all(each.in_padding_only for each in outputs):
        return Hazard(f"In {dtype}, {name}: the {output} of padding are not finite{where}.", evidence=evidence)
    return Defect(f"In {dtype}, {name}: the {output} are not finite{where}.", evidence=evidence)
