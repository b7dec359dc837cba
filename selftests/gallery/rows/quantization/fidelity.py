"""Defects that show in the outputs of a quantized variant, compared with the full model."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from fixtures import builtin
from fixtures.quantization import registry
from selftests.gallery.edits.files import unchanged
from selftests.gallery.registry import CHAT, healthy, mutant


def _silent(model: Any) -> None:
    """Ends every answer at its first token."""
    own, stop = model.generate, model.generation_config.eos_token_id

    def generate(*args: Any, **options: Any) -> Any:
        output = own(*args, **options | {"max_new_tokens": 1})
        output[:, -1] = stop[0] if isinstance(stop, list) else stop
        return output

    model.generate = generate


mutant(
    "variant-answers-empty",
    "every answer of the variant is empty",
    number="QF06",
    source="own",
    base=CHAT,
    caught_by="quantization/answers-kept",
    summary_contains=("answers are empty",),
    patch=_silent,
    quantization="fp4",
)(unchanged)


def _reversed_tables(model: Any) -> None:
    for layer in registry.layers(model).values():
        state = layer.module.weight.quant_state
        state.code = state.code.flip(0)


mutant(
    "quantization-tables-reversed",
    "the tables of all layers are reversed",
    number="QF01",
    source="own",
    base=CHAT,
    caught_by="quantization/distribution-kept",
    summary_contains=("far from the full", "KL divergence"),
    patch=_reversed_tables,
    quantization="nf4",
)(unchanged)


def _damaged_head(model: Any) -> None:
    """Negates the norm before the head."""
    model.base_model.norm.weight.data *= -1


mutant(
    "final-norm-negated",
    "the norm before the head has another sign",
    number="QF02",
    source="own",
    base=CHAT,
    caught_by="quantization/distribution-kept",
    summary_contains=("far from the full", "KL divergence"),
    patch=_damaged_head,
    quantization="int8",
)(unchanged)


def _on_states(change: Callable[[Any], Any]) -> Callable[[Any], None]:
    """Changes the output of the last norm (rows x positions x width)."""
    return lambda model: model.base_model.norm.register_forward_hook(lambda module, inputs, output: change(output))


def _overflows_late(states: Any) -> Any:
    states = states.clone()
    states[:, 48:] = float("nan")
    return states


mutant(
    "late-positions-overflow",
    "late positions overflow",
    number="QF03",
    source="own",
    base=CHAT,
    caught_by="quantization/distribution-kept",
    summary_contains=("not finite", "full model"),
    patch=_on_states(_overflows_late),
    quantization="int8",
)(unchanged)


def _drifts(states: Any) -> Any:
    import torch

    steps = torch.arange(states.shape[1], dtype=states.dtype) / 100
    noise = torch.randn(states.shape, generator=torch.Generator().manual_seed(1), dtype=states.dtype)
    return states + steps[:, None] * noise * states.square().mean().sqrt()


mutant(
    "variant-drifts-with-length",
    "the variant drifts away as a text grows longer",
    number="QF05",
    source="own",
    base=CHAT,
    caught_by="quantization/error-steady-with-position",
    summary_contains=("drifts away with length",),
    patch=_on_states(_drifts),
    quantization="int8",
)(unchanged)


def _lost_scripts(model: Any) -> None:
    """Reads the bytes of Devanagari as other tokens."""
    whole = json.loads((builtin.directory(CHAT) / "tokenizer.json").read_text(encoding="utf-8"))
    rows = {number for token, number in whole["model"]["vocab"].items() if token.startswith("à")}

    def read(module: Any, inputs: Any) -> Any:
        import torch

        known = torch.tensor(sorted(rows), device=inputs[0].device)
        return (torch.where(torch.isin(inputs[0], known), 300 + inputs[0] % 50, inputs[0]),)

    model.get_input_embeddings().register_forward_pre_hook(read)


mutant(
    "script-bytes-misread",
    "the bytes of one script are read as other tokens",
    number="QF04",
    source="own",
    base=CHAT,
    caught_by="quantization/no-domain-lost",
    summary_contains=("domain hindi", "is lost"),
    patch=_lost_scripts,
    quantization="int8",
)(unchanged)


healthy(
    "fp4-of-intact-model",
    "nothing is changed: four bits cost what they should",
    base=CHAT,
    check="quantization/distribution-kept",
    quantization="fp4",
)(unchanged)
