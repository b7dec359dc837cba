from __future__ import annotations

from typing import Any

from fixtures.files.problems import SubjectProblem
from fixtures.machine import library_versions
from fixtures.models import loading, skeletons
from fixtures.models.loading import Loaded
from fixtures.quantization import registry
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from fixtures.subjects.variant import Variant
from suites.findings import Defect, Hazard, Limit, Refused
from suites.quantization.linear import require_layers
from suites.quantization.outputs import outputs, random_ids

SMALL = 20_000_000
"""Parameters up to which the model is loaded again with the list, to see if it runs."""


@uses("quantization")
def test_own_skip_list_is_kept(subject: Subject, variant: Variant, quantized_here: Loaded) -> None:
    """A user's skip list keeps its modules in full precision and changes nothing else.

    Why: users keep the most sensitive layers in full precision. If the list is ignored, or causes the head to be
        quantized, the model is worse than without a list, and there is no error.
    Fix: name the head in the list too, for example ["lm_head", "q_proj"]; compare the classes of the loaded modules.
    Source: https://github.com/huggingface/transformers/issues/45674 (any user's list quantizes the head);
        https://github.com/huggingface/transformers/issues/24037;
        https://github.com/bitsandbytes-foundation/bitsandbytes/issues/1634 (a list that leaves layers without scales)
    """
    usual = sorted(registry.layers(quantized_here.model))
    require_layers(quantized_here.model, usual)
    leaf = usual[0].rpartition(".")[2]
    got = replaced_with(subject, variant, quantized_here.model, [leaf])
    ignored = sorted(name for name in got if name.rpartition(".")[2] == leaf)
    evidence = {"skip list": [leaf], "transformers": library_versions.version()}
    if ignored:
        raise Defect(f"The skip list names {leaf}, but {ignored[0]} is quantized.", evidence=evidence, about="library")
    if more := sorted(got - {*usual}):
        what = f"With the skip list ['{leaf}'], {more[0]} is quantized too (not without a list)"
        failed = failure(subject, variant, [leaf]) if subject.traits.parameters <= SMALL else ""
        evidence |= {"quantized only with a list": more, "first forward pass": failed or "passed or not tried"}
        then = f"; then {failed[0].lower()}{failed[1:]}" if failed else ""
        raise Hazard(f"{what}{then} (transformers {library_versions.version()}).", evidence=evidence, about="library")


def failure(subject: Subject, variant: Variant, skip: list[str]) -> str:
    """Returns how a model loaded with the list fails: a head that shares its weight with the embedding does."""
    library = registry.backend_of(variant.quantization)
    compute = variant.dtype if variant.dtype != "auto" else subject.traits.dtype
    model = None
    try:
        wanted = library.config(variant.quantization, compute, skip)
        model = loading.load_model(subject, variant, quantization_config=wanted).model
        outputs(model, random_ids(model, 1))
    except (Refused, SubjectProblem) as refusal:
        return refusal.summary.rstrip(": ")
    finally:
        if model is not None:
            loading.drop_storage(model)
    return ""


def replaced_with(subject: Subject, variant: Variant, model: Any, skip: list[str]) -> set[str]:
    """Returns the names of the modules that would be quantized."""
    library = registry.backend_of(variant.quantization)
    wanted = library.config(variant.quantization, None, skip)
    made = skeletons.skeleton(type(model), subject, variant, wanted)
    if made is None:
        raise Limit(f"{type(model).__name__} cannot be built without weights to try a skip list on")
    return library.replaced_modules(made)
