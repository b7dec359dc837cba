"""Defects of sampling, seeds and scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits.architectures import put_model
from selftests.gallery.edits.files import unchanged
from selftests.gallery.edits.forward_passes import around
from selftests.gallery.registry import CHAT, mutant


def _twice(own: Any, **options: Any) -> Any:
    processors = own(**options)
    return type(processors)([*processors, *(each for each in processors if "Temperature" in type(each).__name__)])


mutant(
    "temperature-applied-twice",
    "temperature is applied twice",
    number="D09",
    source="own",
    base=CHAT,
    caught_by="generation/processors-obey-their-law",
    summary_contains=("temperature", "documentation"),
    patch=lambda model: around(model, "_get_logits_processor", _twice),
)(unchanged)


def _unseeded(own: Any, *args: Any, **options: Any) -> Any:
    import torch

    torch.seed()
    return own(*args, **options)


mutant(
    "generate-reseeds",
    "each call seeds the random numbers anew",
    number="D10",
    source="own",
    base=CHAT,
    caught_by="generation/same-seed-same-sample",
    summary_contains=("seed", "logits are equal"),
    patch=lambda model: around(model, "generate", _unseeded),
)(unchanged)


def _of_first_beam(own: Any, sequences: Any, scores: Any, beam_indices: Any = None, *args: Any, **options: Any) -> Any:
    first = None if beam_indices is None else beam_indices * 0
    return own(sequences, scores, first, *args, **options)


mutant(
    "beams-scored-as-first",
    "beams are scored with the tokens of the first one",
    number="D08",
    source="own",
    base=CHAT,
    caught_by="generation/scores-agree-with-logits",
    summary_contains=("beam search", "compute_transition_scores"),
    patch=lambda model: around(model, "compute_transition_scores", _of_first_beam),
)(unchanged)


@mutant(
    "state-shared-by-rows",
    "the library's class mixes up the states of several rows",
    source="own",
    base="tiny-state-space",
    caught_by="generation/scores-agree-with-logits",
    severity="hazard",
    summary_contains=("RwkvForCausalLM of transformers", "of 3 rows", "of a single row it has the same"),
    since="5.0",
)
def state_shared_by_rows(directory: Path) -> None:
    sizes = {"hidden_size": 64, "attention_hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2}
    put_model(directory, "rwkv", "RwkvForCausalLM", **sizes, context_length=512)
