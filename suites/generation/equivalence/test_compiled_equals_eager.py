from __future__ import annotations

from typing import Any

from fixtures.models.loading import Loaded
from fixtures.session.needs import cost
from fixtures.subjects.subject import Subject
from suites.findings import Unsupported
from suites.generation.reference_runs import ReferenceRuns, reference_runs
from suites.running import generate
from suites.running.agreement import must_match

BACKEND = "inductor"


@cost("minutes", quantized=True)
def test_compiled_equals_eager(subject: Subject, tokenizer: Any, generator: Any, loaded: Loaded) -> None:
    """A model compiled with `torch.compile` computes the logits of the model as it is.

    Why: servers compile; a graph that froze a length, a mask or a branch is right for the first input only.
    Fix: look for Python values that depend on the input (lengths, flags) in the layer that differs first.
    Source: https://huggingface.co/docs/transformers/perf_torch_compile
    """
    if generator.device.type == "cpu" and not _has_compiler():
        raise Unsupported("torch.compile needs a C++ compiler on a CPU, and finds none")
    reference = reference_runs(subject, tokenizer, loaded)
    expected, short = reference.whole, reference.short_whole
    with generate.refusals("torch.compile"):
        actual, actual_short = _compiled(reference)
    what = "Compiled, the model computes other logits than as it is"
    must_match(expected, actual, reference.tolerance, what)
    must_match(short, actual_short, reference.tolerance, f"{what}, for the second length")


def _compiled(reference: ReferenceRuns) -> tuple[Any, Any]:
    """Logits of both texts; what was compiled is dropped again."""
    import torch

    model = reference.model
    options = {"use_cache": False} if generate.takes(model, "use_cache") else {}
    texts = (reference.text, reference.extended(reference.short, reference.short_run))
    try:
        with generate.tidied(model), torch.inference_mode():
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
