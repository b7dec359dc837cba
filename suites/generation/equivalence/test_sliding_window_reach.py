from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fixtures.quantization import registry
from fixtures.subjects.subject import Subject
from suites.findings import Defect, Unsupported
from suites.generation.equivalence import reach
from suites.running import generate
from suites.running.limits import positions

BEYOND = 4
"""Positions behind the window's edge that are tried."""
WORK = {"quick": 5e11, "standard": 5e12, "exhaustive": 1e14}
"""Floating-point operations on a CPU: some ten seconds, minutes, an hour."""


def test_sliding_window_reach(subject: Subject, generator: Any, sliding_window: int, profile: str) -> None:
    """Layers with a sliding window see as many tokens as config.json says, no more and no fewer; the others see all.

    Why: a window that is ignored, off by one or on the wrong layers changes nothing on short texts, and every answer
    to a text that is longer than the window.
    Fix: `sliding_window` counts the token itself; name the windowed layers in `layer_types`, and set
    `use_sliding_window` where the family has it.
    Source: https://github.com/huggingface/transformers/issues/35896 (a window off by one), #38002, #39408
    """
    own = generator.config.get_text_config(decoder=True)
    types = getattr(own, "layer_types", None)
    if types and "sliding_attention" not in types:
        raise Unsupported("no layer is loaded with the declared window (see integrity/sliding-window-layers)")
    for quantized in registry.layers(generator).values():
        if not quantized.rounds_per_token:
            raise Unsupported(
                f"with {quantized.scheme}, the rounding of a token depends on the other tokens of the batch, so every"
                " token seems to influence every other; run this check unquantized"
            )
    length = _affordable(subject, generator, sliding_window, profile)
    with generate.refusals("A forward pass of the window's length"):
        found = reach.layers(generator, length)
    if not any(layer.reaches for layer in found):
        raise Unsupported(f"{type(generator).__name__} has no attention layers that could be watched")
    for layer in found:
        windowed = types[layer.index] == "sliding_attention" if types and layer.index < len(types) else not types
        other = types and types[layer.index] not in ("sliding_attention", "full_attention")
        if not other:
            _must_reach(layer, sliding_window if windowed else None, found)


def _must_reach(layer: reach.Layer, window: int | None, found: Sequence[reach.Layer]) -> None:
    """Raises when a layer reaches less or further than declared; `window` is None for a layer that sees everything."""
    __tracebackhide__ = True
    right = layer.longest == window if window else layer.sees_everything
    if right:
        return
    seen = "everything" if layer.sees_everything else f"{layer.longest} tokens"
    declared = f"a sliding window of {window} tokens" if window else "full attention"
    evidence = {each.name: each.longest for each in found} | {"length": layer.length - reach.CHANGED}
    raise Defect(
        f"Attention layer {layer.index} sees {seen}, where config.json declares {declared}.",
        evidence={"reach": evidence},
    )


def _affordable(subject: Subject, model: Any, window: int, profile: str) -> int:
    """The length to try, in tokens."""
    if model.config.is_encoder_decoder:
        raise Unsupported("the window of an encoder-decoder is not tried: its encoder looks both ways")
    length = reach.CHANGED + window + BEYOND
    limit = positions(model)
    if limit is not None and length > limit:
        raise Unsupported(f"the window of {window} tokens is as long as the context of {limit}: nothing is behind it")
    work = 2 * subject.traits.parameters * length
    if model.device.type == "cpu" and work > WORK[profile]:
        raise Unsupported(f"a text of {length} tokens, as the window needs, is left to --profile exhaustive or a GPU")
    return length
