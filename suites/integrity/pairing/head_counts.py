"""Alternative head counts that the shapes of the weights allow, compared by the loss of plain text."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fixtures.models.loading import Loaded
from fixtures.subjects.subject import Subject
from suites.integrity.pairing import repair_search
from suites.integrity.pairing.repair_search import Gain
from suites.running.generate import REFUSALS
from suites.scoring import likelihood, tokenizer_fit

SIZES = (64, 128, 32, 96, 80, 256, 16, 48, 112, 192, 160, 8)
"""Dimensions of a head, the most common first."""


@dataclass(frozen=True)
class Heads:
    """Numbers of query heads and of key-value heads, and the dimensions of each."""

    queries: int
    keys: int
    size: int

    def __str__(self) -> str:
        of_keys = "" if self.keys == self.queries else f" ({self.keys} for keys)"
        return f"{self.queries} heads{of_keys} of {self.size} dimensions"


def better_heads(subject: Subject, tokenizer: Any, loaded: Loaded, profile: str) -> tuple[Heads, Gain] | None:
    """Returns head counts with which the model predicts plain text, if it does not with the declared ones."""
    return loaded.once("heads", lambda: _better_heads(subject, tokenizer, loaded, profile))


def _better_heads(subject: Subject, tokenizer: Any, loaded: Loaded, profile: str) -> tuple[Heads, Gain] | None:
    rows, text = tokenizer_fit.plain_text(subject, tokenizer, loaded, profile)
    model, chance = loaded.model, tokenizer_fit.chance_loss(tokenizer)
    if len(rows) < 2 or not text.predictions or tokenizer_fit.first_unknown_id(text, chance) != 0:
        return None
    candidates = list(alternatives(model))
    tokens = repair_search.TOKEN_PARAMETERS[profile] / max(1, subject.traits.parameters) / max(1, len(candidates))
    part = rows[: max(2, int(max(repair_search.MIN_TOKENS, tokens) // likelihood.LENGTH))]
    before = repair_search.losses(model, part)
    gains = [
        (heads, repair_search.compare(str(heads), before, after))
        for heads in candidates
        if (after := _losses(model, heads, part))
    ]
    best = max(gains, key=lambda each: each[1].gain, default=None)
    if best is None or not best[1].gain > repair_search.UNHINTED_ERRORS * best[1].error:
        return None
    repaired = likelihood.measure(with_heads(model, best[0]), rows)
    return best if tokenizer_fit.first_unknown_id(repaired, chance) is None else None


def declared(model: Any) -> Heads | None:
    """Returns the declared head counts; None if the projections have other widths (another kind of attention)."""
    config = model.config
    queries, width = getattr(config, "num_attention_heads", None), getattr(config, "hidden_size", None)
    if not (isinstance(queries, int) and isinstance(width, int) and config.get_text_config() is config):
        return None
    size = getattr(config, "head_dim", None) or width // queries
    keys = getattr(config, "num_key_value_heads", None) or queries
    shapes = {
        name.split(".")[-2]: parameter.shape[0]
        for name, parameter in model.named_parameters()
        if name.endswith(("q_proj.weight", "k_proj.weight"))
    }
    widths = (shapes.get("q_proj", width), shapes.get("k_proj", keys * size))
    return Heads(queries, keys, size) if widths == (queries * size, keys * size) else None


def alternatives(model: Any) -> Iterator[Heads]:
    """Yields other head counts that give the same widths."""
    now = declared(model)
    for size in SIZES if now else ():
        assert now is not None
        queries, rest = divmod(now.queries * now.size, size)
        keys, left = divmod(now.keys * now.size, size)
        if size != now.size and not rest and not left and not queries % keys:
            yield Heads(queries, keys, size)


def with_heads(model: Any, heads: Heads) -> Any:
    """Returns a model with other head counts that shares the weights in memory."""
    config = copy.deepcopy(model.config)
    wanted = {"num_attention_heads": heads.queries, "num_key_value_heads": heads.keys, "head_dim": heads.size}
    for key, value in wanted.items():
        if getattr(config, key, None) is not None:
            setattr(config, key, value)
    state = model.state_dict()
    return type(model).from_pretrained(None, config=config, state_dict=state, dtype=model.dtype).to(model.device).eval()


def _losses(model: Any, heads: Heads, rows: list[likelihood.Row]) -> list[float]:
    """Loss of every token; empty if the family does not support these head counts."""
    try:
        return repair_search.losses(with_heads(model, heads), rows)
    except REFUSALS:
        return []
