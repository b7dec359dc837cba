"""Greedy generation with the time of every token."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from suites.findings import Limit, NotApplicable
from suites.quantization.cost import clock
from suites.quantization.sizes import footprint
from suites.running import generate
from suites.running.limits import positions, vocabulary


@dataclass(frozen=True)
class Load:
    """Amount of text to generate."""

    rows: int
    prompt: int
    """Tokens of each prompt."""
    new: int
    """Tokens generated for each."""


@dataclass(frozen=True)
class Round:
    """One generation."""

    first: float
    """Seconds to the first token of all rows: reading the prompts."""
    steps: tuple[float, ...]
    """Seconds of each further token of all rows."""

    @property
    def total(self) -> float:
        return self.first + sum(self.steps)


def load(model: Any, rows: int, profile: str) -> Load:
    """Returns the load, smaller in a quick run on a CPU and within the positions of the model."""
    small = profile == "quick" and model.device.type == "cpu"
    prompt, new = (64, 9) if small else (256, 65)
    limit = positions(model)
    if limit is not None and limit < prompt + new:
        prompt, new = limit // 2, limit // 4
    if new < 3:
        raise NotApplicable(f"the model has {limit} positions, too few to time what it writes")
    return Load(rows, prompt, new)


def write(model: Any, asked: Load) -> Round:
    """Generates once from fixed random ids, without stop tokens, sampling or other shipped settings."""
    import torch
    from transformers import StoppingCriteriaList

    stamps = _Stamps(model.device)
    words = vocabulary(model)
    ids = torch.randint(words, (asked.rows, asked.prompt), generator=torch.Generator().manual_seed(0))
    inputs = generate.placed(model, {"input_ids": ids, "attention_mask": torch.ones_like(ids)})
    options = {"max_new_tokens": asked.new, "min_new_tokens": asked.new, "do_sample": False}
    with generate.refusals("generate()"), generate.plain_greedy(model), torch.inference_mode():
        started = clock.now(model.device)
        model.generate(**inputs, **options, stopping_criteria=StoppingCriteriaList([stamps]))
    times = [started, *stamps.times]
    if len(times) != asked.new + 1:
        raise Limit(f"generate() wrote {len(times) - 1} tokens of {asked.new}, so its time is meaningless")
    first, *steps = (after - before for before, after in pairwise(times))
    return Round(first, tuple(steps))


class _Stamps:
    """A stopping criterion that never stops and records the time of each token."""

    def __init__(self, device: Any):
        self.device = device
        self.times: list[float] = []

    def __call__(self, input_ids: Any, scores: Any, **options: Any) -> Any:
        import torch

        self.times.append(clock.now(self.device))
        return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)


def bytes_read(model: Any) -> int | None:
    """Returns the bytes of weights that one decoding step of one row reads; None if they depend on the experts chosen.

    The input embedding counts only if the head is the same matrix: otherwise one row of it is read. The cache is left
    out, so this is a lower bound.
    """
    config = model.config.get_text_config(decoder=True)
    if any(getattr(config, name, None) for name in ("num_experts", "num_local_experts", "n_routed_experts")):
        return None
    looked_up, head = model.get_input_embeddings().weight, model.get_output_embeddings()
    if head is not None and head.weight is looked_up:
        return footprint(model)
    return footprint(model) - int(looked_up.numel() * looked_up.element_size())
