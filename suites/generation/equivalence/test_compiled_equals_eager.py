from __future__ import annotations

from typing import Any

from fixtures.models.loading import Loaded
from fixtures.session.needs import cost
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Missing
from suites.generation.reference_runs import ReferenceRuns, reference_runs
from suites.running import generate
from suites.running.agreement import must_match

BACKEND = "inductor"


@cost("minutes", quantized=True)
@uses("serving")
def test_compiled_equals_eager(subject: Subject, tokenizer: Any, generator: Any, loaded: Loaded) -> None:
    """A model compiled with `torch.compile` computes the same logits as uncompiled.

    Why: servers compile models. A graph with a fixed length, mask or branch is correct for the first input only.
    Fix: look for Python values that depend on the input (lengths, flags) in the first layer that differs.
    Source: https://huggingface.co/docs/transformers/perf_torch_compile
    """
    if generator.device.type == "cpu" and not _has_compiler():
        raise Missing("torch.compile needs a C++ compiler on a CPU, and none was found", "install g++ or clang++")
    reference = reference_runs(subject, tokenizer, loaded)
    expected, short = reference.whole, reference.short_whole
    with generate.refusals("torch.compile"):
        actual, actual_short = _compiled(reference)
    what = "torch.compile changes the logits"
    must_match(expected, actual, reference.tolerance, what)
    must_match(short, actual_short, reference.tolerance, f"{what} of a second input of another length")


def _compiled(reference: ReferenceRuns) -> tuple[Any, Any]:
    """Returns the logits of both texts, and resets the compiler."""
    import torch

    model = reference.model
    options = {"use_cache": False} if generate.takes(model, "use_cache") else {}
    texts = (reference.text, reference.extended(reference.short, reference.short_run))
    try:
        with generate.without_leftovers(model), torch.inference_mode():
            compiled = torch.compile(model.forward, backend=BACKEND)
            outputs = (compiled(**generate.placed(model, text), **options) for text in texts)
            long, short = (output.logits[0].float().cpu() for output in outputs)
        return long, short
    finally:
        torch.compiler.reset()


def _has_compiler() -> bool:
    from torch._inductor import config, cpp_builder, exc

    try:
        return bool(cpp_builder.get_cpp_compiler()) and config.cpp is not None
    except exc.InvalidCxxCompiler:
        return False
