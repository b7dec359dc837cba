"""Other numbers of heads that the shapes of the weights allow, and what plain text costs with them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fixtures.models.loading import Loaded
from fixtures.subjects.subject import Subject
from suites.integrity.pairing import fit, likelihood, misplaced
from suites.integrity.pairing.misplaced import Gain
from suites.running.generate import LOUD

SIZES = (64, 128, 32, 96, 80, 256, 16, 48, 112, 192, 160, 8)
"""Dimensions of a head, the usual ones first."""


@dataclass(frozen=True)
class Heads:
    """Heads of queries, of keys and values, and the dimensions of each."""

    queries: int
    keys: int
    size: int

    def __str__(self) -> str:
        of_keys = "" if self.keys == self.queries else f" ({self.keys} for keys)"
        return f"{self.queries} heads{of_keys} of {self.size} dimensions"


def found(subject: Subject, tokenizer: Any, loaded: Loaded, profile: str) -> tuple[Heads, Gain] | None:
    """The heads with which plain text makes sense to a model that makes none of it with those that are declared."""
    return loaded.once("heads", lambda: _found(subject, tokenizer, loaded, profile))


def _found(subject: Subject, tokenizer: Any, loaded: Loaded, profile: str) -> tuple[Heads, Gain] | None:
    rows, text = fit.plain_text(subject, tokenizer, loaded, profile)
    model, chance = loaded.model, fit.chance(tokenizer)
    if len(rows) < 2 or not text.predictions or fit.first_strange(text, chance) != 0:
        return None
    tried = list(possible(model))
    tokens = misplaced.WORK[profile] / max(1, subject.traits.parameters) / max(1, len(tried))
    part = rows[: max(2, int(max(misplaced.FEW, tokens) // likelihood.LENGTH))]
    before = misplaced.losses(model, part)
    gains = [(heads, misplaced.gain(str(heads), before, after)) for heads in tried
             if (after := _losses(model, heads, part))]  # fmt: skip
    best = max(gains, key=lambda each: each[1].gain, default=None)
    if best is None or not best[1].gain > misplaced.UNHINTED * best[1].error:
        return None
    mended = likelihood.measured(with_heads(model, best[0]), rows)
    return best if fit.first_strange(mended, chance) is None else None


def declared(model: Any) -> Heads | None:
    """Those of a model whose projections have the widths that follow from them; None for other kinds of attention."""
    config = model.config
    queries, width = getattr(config, "num_attention_heads", None), getattr(config, "hidden_size", None)
    if not (isinstance(queries, int) and isinstance(width, int) and config.get_text_config() is config):
        return None
    size = getattr(config, "head_dim", None) or width // queries
    keys = getattr(config, "num_key_value_heads", None) or queries
    shapes = {name.split(".")[-2]: parameter.shape[0] for name, parameter in model.named_parameters()
              if name.endswith(("q_proj.weight", "k_proj.weight"))}  # fmt: skip
    widths = (shapes.get("q_proj", width), shapes.get("k_proj", keys * size))
    return Heads(queries, keys, size) if widths == (queries * size, keys * size) else None


def possible(model: Any) -> Iterator[Heads]:
    """Other heads of the same widths."""
    now = declared(model)
    for size in SIZES if now else ():
        assert now is not None
        queries, rest = divmod(now.queries * now.size, size)
        keys, left = divmod(now.keys * now.size, size)
        if size != now.size and not rest and not left and not queries % keys:
            yield Heads(queries, keys, size)


def with_heads(model: Any, heads: Heads) -> Any:
    """A model of other heads on the same weights, in the same memory."""
    config = copy.deepcopy(model.config)
    wanted = {"num_attention_heads": heads.queries, "num_key_value_heads": heads.keys, "head_dim": heads.size}
    for key, value in wanted.items():
        if getattr(config, key, None) is not None:
            setattr(config, key, value)
    state = model.state_dict()
    return type(model).from_pretrained(None, config=config, state_dict=state, dtype=model.dtype).to(model.device).eval()


def _losses(model: Any, heads: Heads, rows: list[likelihood.Row]) -> list[float]:
    """Empty where the family cannot have them."""
    try:
        return misplaced.losses(with_heads(model, heads), rows)
    except LOUD:
        return []
