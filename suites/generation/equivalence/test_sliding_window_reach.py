from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fixtures.quantization import registry
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Blocked, Defect, Limit, NotApplicable, TooExpensive
from suites.generation.equivalence import attention_reach
from suites.running import generate
from suites.running.limits import positions

TOKENS_BEYOND = 4
"""Positions beyond the window that are tested."""
MAX_OPERATIONS = {"quick": 5e11, "standard": 5e12, "exhaustive": 1e14}
"""Floating-point operations on a CPU: about ten seconds, minutes, an hour."""


@uses("generation")
def test_sliding_window_reach(subject: Subject, generator: Any, sliding_window: int, profile: str) -> None:
    """Layers with a sliding window see exactly as many tokens as config.json declares; the other layers see all.

    Why: a window that is ignored, off by one or on the wrong layers changes nothing in short texts, but every answer to
        a text longer than the window.
    Fix: `sliding_window` counts the token itself; list the windowed layers in `layer_types`, and set
        `use_sliding_window` if the family has it.
    Source: https://github.com/huggingface/transformers/issues/35896 (a window off by one), #38002, #39408
    """
    own = generator.config.get_text_config(decoder=True)
    types = getattr(own, "layer_types", None)
    if types and "sliding_attention" not in types:
        raise Blocked("integrity/sliding-window-layers", "no layer has the declared window")
    for quantized in registry.layers(generator).values():
        if not quantized.rounds_per_token:
            raise Limit(
                f"with {quantized.scheme}, the rounding of a token depends on the other tokens in the batch, so every"
                " token seems to influence every other; run this check unquantized"
            )
    length = _affordable(subject, generator, sliding_window, profile)
    with generate.refusals("A forward pass of the window's length"):
        found = attention_reach.layers(generator, length)
    if not any(layer.reaches for layer in found):
        raise Limit(f"no attention layer of {type(generator).__name__} could be measured")
    for layer in found:
        windowed = types[layer.index] == "sliding_attention" if types and layer.index < len(types) else not types
        other = types and types[layer.index] not in ("sliding_attention", "full_attention")
        if not other:
            _must_reach(layer, sliding_window if windowed else None, found)


def _must_reach(layer: attention_reach.Layer, window: int | None, found: Sequence[attention_reach.Layer]) -> None:
    """Raises Defect if a layer sees fewer or more tokens than declared; `window` is None for full attention."""
    __tracebackhide__ = True
    as_declared = layer.longest == window if window else layer.sees_everything
    if as_declared:
        return
    seen = "everything" if layer.sees_everything else f"{layer.longest} tokens"
    declared = f"a sliding window of {window} tokens" if window else "full attention"
    evidence = {each.name: each.longest for each in found} | {"length": layer.length - attention_reach.CHANGED}
    raise Defect(
        f"Attention layer {layer.index} sees {seen}, but config.json declares {declared}.",
        evidence={"reach": evidence},
    )


def _affordable(subject: Subject, model: Any, window: int, profile: str) -> int:
    """Returns the length of the input, in tokens; raises TooExpensive if it is too long."""
    if model.config.is_encoder_decoder:
        raise Limit("this check supports decoders only, because an encoder's window goes both ways")
    length = attention_reach.CHANGED + window + TOKENS_BEYOND
    limit = positions(model)
    if limit is not None and length > limit:
        raise NotApplicable(f"the window of {window} tokens fills the context of {limit}, so it leaves out no token")
    work = 2 * subject.traits.parameters * length
    if model.device.type == "cpu" and work > MAX_OPERATIONS[profile]:
        summary = f"the window needs a text of {length} tokens, which takes too long on a CPU"
        raise TooExpensive(summary, "--profile exhaustive, or a GPU")
    return length
