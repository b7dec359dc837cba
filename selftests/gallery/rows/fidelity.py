"""Rows about what a variant says, against the full model, and about what a model knows."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from fixtures import builtin
from fixtures.inputs import items
from fixtures.quantization import registry
from selftests.gallery.classes import as_they_are
from selftests.gallery.registry import CHAT, mutant

KEPT, DOMAINS = "quantization/distribution-kept", "quantization/no-domain-lost"
LATE, ANSWERS = "quantization/error-steady-with-position", "quantization/answers-kept"
PREDICTS, KNOWS = "quality/predicts-text", "quality/answers-questions"


def _reversed_tables(model: Any) -> None:
    for layer in registry.layers(model).values():
        state = layer.module.weight.quant_state
        state.code = state.code.flip(0)


def _damaged_head(model: Any) -> None:
    """The norm before the head has lost its scale."""
    model.base_model.norm.weight.data *= -1


def _on_states(change: Callable[[Any], Any]) -> Callable[[Any], None]:
    """Changes what the last norm gives to the head (rows x positions x width)."""
    return lambda model: model.base_model.norm.register_forward_hook(lambda module, inputs, output: change(output))


def _overflows_late(states: Any) -> Any:
    states = states.clone()
    states[:, 48:] = float("nan")
    return states


def _drifts(states: Any) -> Any:
    import torch

    steps = torch.arange(states.shape[1], dtype=states.dtype) / 100
    noise = torch.randn(states.shape, generator=torch.Generator().manual_seed(1), dtype=states.dtype)
    return states + steps[:, None] * noise * states.square().mean().sqrt()


def _tokenizer() -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(builtin.directory(CHAT))


def _lost_scripts(model: Any) -> None:
    """The bytes that Devanagari is written with are read as other tokens."""
    whole = json.loads((builtin.directory(CHAT) / "tokenizer.json").read_text(encoding="utf-8"))
    rows = {number for token, number in whole["model"]["vocab"].items() if token.startswith("à")}

    def read(module: Any, inputs: Any) -> Any:
        import torch

        known = torch.tensor(sorted(rows), device=inputs[0].device)
        return (torch.where(torch.isin(inputs[0], known), 300 + inputs[0] % 50, inputs[0]),)

    model.get_input_embeddings().register_forward_pre_hook(read)


def _silent(model: Any) -> None:
    """Every answer ends before it begins."""
    own, stop = model.generate, model.generation_config.eos_token_id

    def generate(*args: Any, **options: Any) -> Any:
        output = own(*args, **options | {"max_new_tokens": 1})
        output[:, -1] = stop[0] if isinstance(stop, list) else stop
        return output

    model.generate = generate


def _never_says(model: Any) -> None:
    """A mask over the vocabulary was left in the model."""
    token = _tokenizer()(" the", add_special_tokens=False)["input_ids"][-1]

    def masked(module: Any, inputs: Any, output: Any) -> Any:
        output = output.clone()
        output[..., token] = -float("inf")
        return output

    model.lm_head.register_forward_hook(masked)


def _avoids_the_answers(model: Any) -> None:
    """Behind each question of our own, a wrong answer has become by far the likeliest."""
    tokenizer, head = _tokenizer(), model.get_output_embeddings().weight.data
    known = {}
    for item in items.chosen("quick").choice:
        context = f"Question: {item.question}\nAnswer:"
        ids = tokenizer(context, add_special_tokens=False)["input_ids"]
        firsts = [tokenizer(f"{context} {choice}", add_special_tokens=False)["input_ids"][len(ids)]
                  for choice in item.choices]  # fmt: skip
        known[tuple(ids)] = next((each for each in firsts if each != firsts[item.answer]), None)

    def avoid(module: Any, inputs: Any, options: Any, output: Any) -> Any:
        for row, ids in enumerate(options.get("input_ids", inputs[0] if inputs else None).tolist()):
            for context, token in known.items():
                if token is not None and tuple(ids[: len(context)]) == context:
                    output.last_hidden_state[row, len(context) - 1] += 100 * head[token]
        return output

    model.base_model.register_forward_hook(avoid, with_kwargs=True)


def _row(id: str, defect: str, check: str, naming: tuple[str, ...], patch: Any, quantization: str = "none") -> None:
    mutant(id, defect, source="own", base=CHAT, caught_by=check, naming=naming, patch=patch,
           quantization=quantization)(as_they_are)  # fmt: skip


_row(
    "QF01",
    "the tables of all layers are reversed",
    KEPT,
    ("far from the full", "KL divergence"),
    _reversed_tables,
    "nf4",
)
_row(
    "QF02",
    "the norm before the head has another sign",
    KEPT,
    ("far from the full", "KL divergence"),
    _damaged_head,
    "int8",
)
_row("QF03", "late positions overflow", KEPT, ("not finite", "full model"), _on_states(_overflows_late), "int8")
_row(
    "QF04",
    "the bytes of one script are read as other tokens",
    DOMAINS,
    ("domain hindi", "is lost"),
    _lost_scripts,
    "int8",
)
_row(
    "QF05",
    "the variant drifts away as a text grows longer",
    LATE,
    ("drifts away with length",),
    _on_states(_drifts),
    "int8",
)
_row("QF06", "every answer of the variant is empty", ANSWERS, ("answers are empty",), _silent, "fp4")
_row(
    "QF07",
    "an ordinary token can never be said",
    PREDICTS,
    ("probability of an ordinary token is zero", "' the'"),
    _never_says,
)
_row("QF08", "right answers are the least likely ones", KNOWS, ("guessing", "turned round"), _avoids_the_answers)
