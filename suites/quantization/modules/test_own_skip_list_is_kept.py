"""Promise: whoever gives a list of modules to leave alone gets what the list says, and no more."""

from __future__ import annotations

from typing import Any

from fixtures import libraries
from fixtures.subjects import skeletons
from fixtures.subjects.loading import Loaded
from fixtures.subjects.quantized import backend
from fixtures.subjects.subject import Subject
from fixtures.subjects.variant import Variant
from suites.findings import Defect, Hazard, Unsupported


def test_own_skip_list_is_kept(subject: Subject, variant: Variant, quantized_here: Loaded) -> None:
    """A user's skip list leaves its modules alone, and changes nothing else.

    Why: people keep a layer that suffers most in full precision; if the list is ignored, or puts the head among what is
        quantized, the model is worse than without it, and no error tells.
    Fix: name the head in the list too, for example ["lm_head", "q_proj"]; compare the classes of the loaded modules.
    Source: https://github.com/huggingface/transformers/issues/45674 (any list of one's own quantizes the head);
        https://github.com/huggingface/transformers/issues/24037
    """
    usual = sorted(backend.layers(quantized_here.model))
    if not usual:
        raise Unsupported("no layer of this model is quantized (see quantization/linear-layers-quantized)")
    leaf = usual[0].rpartition(".")[2]
    got = replaced_with(subject, variant, quantized_here.model, [leaf])
    ignored = sorted(name for name in got if name.rpartition(".")[2] == leaf)
    evidence = {"skip list": [leaf], "transformers": libraries.version()}
    if ignored:
        raise Defect(f"The skip list names {leaf}, and {ignored[0]} is quantized all the same.", evidence=evidence)
    if more := sorted(got - {*usual}):
        what = f"With the skip list ['{leaf}'], {more[0]} is quantized too, which it is not without a list"
        more_evidence = evidence | {"quantized only with a list": more}
        raise Hazard(f"{what} (transformers {libraries.version()}).", evidence=more_evidence)


def replaced_with(subject: Subject, variant: Variant, model: Any, skip: list[str]) -> set[str]:
    """Names of the modules that would be quantized."""
    library = backend.backend_of(variant.quantization)
    wanted = library.config(variant.quantization, None, skip)
    made = skeletons.skeleton(type(model), subject, variant, wanted)
    if made is None:
        raise Unsupported(f"{type(model).__name__} cannot be built without weights, to see what a list would do")
    return library.replaced(made)
