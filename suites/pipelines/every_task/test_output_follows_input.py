from __future__ import annotations

from functools import partial

from fixtures.models.loading import Loaded
from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Blocked, Defect, NotApplicable
from suites.pipelines.contracts.agreement import brief
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.registry import contract_of
from suites.running import first_output
from suites.scoring import noise

FIX = (
    "load the original checkpoint again, and compare its sha256; train or merge again what was not. If the weights are "
    "meant to be untrained, declare `trained = false` in the manifest."
)


@uses("task", "inputs")
def test_output_follows_input(subject: Subject, loaded: Loaded, pipe: Pipe, task: str) -> None:
    """The model's output depends on its input, and its weights are not those of a new initialisation.

    The first tensor that the model returns is compared between inputs that have nothing in common. Only one that is
    equal in every digit that the dtype can hold counts as constant: a classifier may be sure of several inputs.

    Why: a collapsed layer, a processor that erases its input, or weights that were never loaded give answers of the
        right form, with scores that add up to one.
    Fix: load the original checkpoint again, and compare its sha256; look at the statistics of the layers, and at what
        the processor returns.
    Source: https://arxiv.org/abs/1810.01075 (spectra of trained and of newly initialised layers);
        https://github.com/huggingface/transformers/issues/3093
    """
    contract = contract_of(pipe)
    if not first_output.can_be_seen(pipe.model):
        raise NotApplicable(f"{task}: the pipeline has several models, and none of them is the model")
    require_dependence(contract, pipe)
    if not subject.untrained and not contract.generates_text and task != "fill-mask":  # `quality` tests those
        require_trained_weights(loaded, task)


def require_dependence(contract: Contract, pipe: Pipe) -> None:
    """Raises the defect if all ordinary inputs get the same output."""
    __tracebackhide__ = True
    samples = contract.samples(pipe)
    outputs = [first_output.of(pipe.model, partial(contract.answer, pipe, sample)) for sample in samples]
    seen = [each for each in outputs if each is not None]
    if len(seen) < len(outputs):
        raise NotApplicable(f"{pipe.task}: the model returns no numbers")
    if any(bool(each.isnan().any()) for each in seen):
        raise Blocked("pipelines/output-conforms", f"{pipe.task}: the output holds NaN")
    first, *others = seen
    if all(first_output.equal(first, other) for other in others):
        raise Defect(
            f"{pipe.task}: the output of the model does not depend on its input: {len(samples)} different inputs get "
            "the same numbers.",
            evidence={"inputs": [brief(each) for each in samples], "output": brief(first)},
        )


def require_trained_weights(loaded: Loaded, task: str) -> None:
    """Raises the defect if nearly all large matrices are random numbers."""
    __tracebackhide__ = True
    spectra = noise.spectra(loaded)
    if spectra.large_are_noise:
        raise Defect(f"{task}: the model knows nothing: {spectra.cause()}.", evidence=spectra.as_json(), fix=FIX)
