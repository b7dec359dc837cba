"""Rows about saving, resizing and placing a model."""

from __future__ import annotations

import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

from selftests.gallery.edits import edit_weights, set_keys
from selftests.gallery.forwards import around
from selftests.gallery.registry import CHAT, SENTENCEPIECE, mutant

SAVING = "generation/model-survives-saving"


def _saving(change: Callable[[Path], object]) -> Callable[[Any], None]:
    """Changes what `save_pretrained` has written."""

    def save(own: Any, folder: Any, *args: Any, **options: Any) -> None:
        own(folder, *args, **options)
        change(Path(folder))

    return lambda model: around(model, "save_pretrained", save)


@mutant(
    "D05",
    "saving leaves the generation config out",
    source="own",
    base=CHAT,
    caught_by=SAVING,
    naming=("generation config", "eos_token_id"),
    patch=_saving(lambda folder: (folder / "generation_config.json").unlink()),
)
def generation_config_is_not_saved(directory: Path) -> None:
    """The files stay healthy."""


@mutant(
    "D06",
    "a saved copy does not say that its head is tied",
    source="huggingface/transformers#42362",
    base=CHAT,
    caught_by=SAVING,
    naming=("tied output head", "lm_head.weight"),
    patch=_saving(lambda folder: set_keys(folder / "config.json", tie_word_embeddings=False)),
)
def tied_head_is_not_saved(directory: Path) -> None:
    """The files stay healthy."""


def _renamed(folder: Path) -> None:
    if not (folder / "model.safetensors").is_file():  # a check may only look at what would be written
        return
    edit_weights(folder, lambda tensors: {name.replace("model.norm.", "model.final."): each
                                          for name, each in tensors.items()})  # fmt: skip


@mutant(
    "W10",
    "save_pretrained emits a wrong key",
    source="huggingface/transformers#48075",
    base=CHAT,
    caught_by=SAVING,
    naming=("lost in saving", "model.norm.weight"),
    patch=_saving(_renamed),
)
def saved_under_another_name(directory: Path) -> None:
    """The files stay healthy."""


def _initialise_head(self: Any, *args: Any, **options: Any) -> Any:
    found = type(self).resize_token_embeddings(self, *args, **options)
    self.get_output_embeddings().weight.data.normal_(0.0, 0.02)
    return found


def _resizing(model: Any) -> None:
    model.resize_token_embeddings = types.MethodType(_initialise_head, model)


@mutant(
    "W07",
    "the head is initialised anew when the vocabulary grows",
    source="huggingface/transformers#45079",
    base=SENTENCEPIECE,
    caught_by="generation/resizing-keeps-old-rows",
    severity="hazard",
    naming=("output head", "initialised anew"),
    patch=_resizing,
)
def resized_head_is_new(directory: Path) -> None:
    """The files stay healthy."""


def _careless(model: Any) -> None:
    """A class that converts a weight on its way to the place that a device map gives it."""
    native = type(model)

    class Careless(native):  # type: ignore[misc, valid-type]
        @classmethod
        def from_pretrained(cls, *args: Any, **options: Any) -> Any:
            found = native.from_pretrained(*args, **options)
            if options.get("device_map"):
                found[0].model.embed_tokens.weight.data.mul_(1.01)
            return found

    model.__class__ = Careless


@mutant(
    "D17",
    "a weight changes when the model is spread by a device map",
    source="huggingface/transformers#46566",
    base=CHAT,
    caught_by="generation/same-logits-wherever-it-lies",
    naming=("Offloaded", "on disk"),
    patch=_careless,
)
def changes_when_it_is_spread(directory: Path) -> None:
    """The files stay healthy."""
