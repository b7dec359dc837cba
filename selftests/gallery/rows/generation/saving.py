"""Defects of saved and resized models."""

from __future__ import annotations

import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from selftests.gallery.edits.files import edit_weights, set_keys, unchanged
from selftests.gallery.edits.forward_passes import around
from selftests.gallery.edits.shards import split
from selftests.gallery.registry import CHAT, SENTENCEPIECE, healthy, mutant


def _saving(change: Callable[[Path], object]) -> Callable[[Any], None]:
    """Changes the files that `save_pretrained` has written."""

    def save(own: Any, folder: Any, *args: Any, **options: Any) -> None:
        own(folder, *args, **options)
        change(Path(folder))

    return lambda model: around(model, "save_pretrained", save)


mutant(
    "generation-config-not-saved",
    "saving leaves the generation config out",
    number="D05",
    source="own",
    base=CHAT,
    caught_by="generation/model-survives-saving",
    summary_contains=("generation config", "eos_token_id"),
    patch=_saving(lambda folder: (folder / "generation_config.json").unlink()),
)(unchanged)


mutant(
    "tied-head-not-saved",
    "a saved copy does not say that its head is tied",
    number="D06",
    source="huggingface/transformers#42362",
    base=CHAT,
    caught_by="generation/model-survives-saving",
    summary_contains=("tied output head", "lm_head.weight"),
    patch=_saving(lambda folder: set_keys(folder / "config.json", tie_word_embeddings=False)),
)(unchanged)


def _renamed(folder: Path) -> None:
    if not (folder / "model.safetensors").is_file():  # a check may only look at what would be written
        return
    edit_weights(folder, lambda tensors: {name.replace("model.norm.", "model.final."): each
                                          for name, each in tensors.items()})  # fmt: skip


mutant(
    "save-renames-generation-key",
    "save_pretrained emits a wrong key",
    number="W10",
    source="huggingface/transformers#48075",
    base=CHAT,
    caught_by="generation/model-survives-saving",
    summary_contains=("lost in saving", "model.norm.weight"),
    patch=_saving(_renamed),
)(unchanged)


def _initialise_head(self: Any, *args: Any, **options: Any) -> Any:
    found = type(self).resize_token_embeddings(self, *args, **options)
    self.get_output_embeddings().weight.data.normal_(0.0, 0.02)
    return found


def _resizing(model: Any) -> None:
    model.resize_token_embeddings = types.MethodType(_initialise_head, model)


mutant(
    "resize-reinitialises-head",
    "the head is initialised anew when the vocabulary grows",
    number="W07",
    source="huggingface/transformers#45079",
    base=SENTENCEPIECE,
    caught_by="generation/resizing-keeps-old-rows",
    severity="hazard",
    summary_contains=("output head", "initialised them again"),
    patch=_resizing,
)(unchanged)


@healthy(
    "saved-from-three-shards",
    "the weights are in three files, and a saved copy has one",
    base=CHAT,
    check="generation/model-survives-saving",
)
def saved_from_three_shards(directory: Path) -> None:
    split(directory, 3)
