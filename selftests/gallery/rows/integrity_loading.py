"""Rows about what becomes of weights when they are loaded and saved: the files are healthy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits import edit_weights
from selftests.gallery.registry import CHAT, SENTENCEPIECE, mutant

ENCODER_DECODER = "tiny-encoder-decoder"
UP = "model.layers.1.mlp.up_proj.weight"


def _tie(model: Any) -> None:
    model.lm_head.weight = model.model.embed_tokens.weight


@mutant(
    "I12",
    "the loader ties a model that is not tied",
    source="vllm-project/vllm#51063",
    base=SENTENCEPIECE,
    caught_by="integrity/loaded-as-stored",
    naming=("lm_head.weight", "it holds model.embed_tokens.weight"),
    patch=_tie,
)
def tied_at_loading(directory: Path) -> None:
    """The files stay healthy."""


def _untie(model: Any) -> None:
    import torch

    model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach().clone())


@mutant(
    "I13",
    "the loader unties a model that is tied",
    source="own",
    base=CHAT,
    caught_by="integrity/tied-as-declared",
    naming=("tie_word_embeddings", "two matrices"),
    patch=_untie,
)
def untied_at_loading(directory: Path) -> None:
    """The files stay healthy."""


def _embed_with_the_head(model: Any) -> None:
    import torch

    model.encoder.embed_tokens = torch.nn.Embedding.from_pretrained(model.lm_head.weight.detach().clone())


@mutant(
    "W06",
    "the encoder's embeddings are loaded from the head",
    source="huggingface/transformers#48154",
    base=ENCODER_DECODER,
    caught_by="integrity/loaded-as-stored",
    naming=("encoder.embed_tokens.weight", "it holds lm_head.weight"),
    patch=_embed_with_the_head,
)
def encoder_embeds_with_the_head(directory: Path) -> None:
    """The checkpoint names its embeddings once for each side, as MADLAD does."""

    def change(tensors: dict[str, Any]) -> dict[str, Any]:
        shared = tensors.pop("shared.weight")
        sides = {f"{side}.embed_tokens.weight": shared.clone() for side in ("encoder", "decoder")}
        return tensors | sides | {"shared.weight": shared}

    edit_weights(directory, change)


def _initialise_again(model: Any) -> None:
    import torch

    torch.nn.init.normal_(model.lm_head.weight, std=0.02)


@mutant(
    "I36",
    "the head is initialised again after loading",
    source="huggingface/transformers#45079",
    base=SENTENCEPIECE,
    caught_by="integrity/loaded-as-stored",
    naming=("lm_head.weight", "initialising again"),
    patch=_initialise_again,
)
def head_initialised_again(directory: Path) -> None:
    """The files stay healthy."""


def _change_some_rows(model: Any) -> None:
    model.model.embed_tokens.weight.data[1000:].zero_()


@mutant(
    "I14",
    "some rows of the embedding are overwritten after loading",
    source="own",
    base=CHAT,
    caught_by="integrity/loaded-as-stored",
    naming=("embed_tokens.weight", "a part differs"),
    patch=_change_some_rows,
)
def some_rows_overwritten(directory: Path) -> None:
    """The files stay healthy."""


def _save_a_wrong_key(model: Any) -> None:
    save = model.save_pretrained

    def saving(directory: Any, **options: Any) -> None:
        tensors = {name.replace("mlp.", "mixer."): tensor for name, tensor in model.state_dict().items()}
        save(directory, state_dict=tensors, **options)

    model.save_pretrained = saving


@mutant(
    "I37",
    "save_pretrained writes a wrong key",
    source="huggingface/transformers#48075",
    base=SENTENCEPIECE,
    caught_by="integrity/saved-names",
    naming=("save_pretrained", "mixer.", "leaves out"),
    patch=_save_a_wrong_key,
)
def saves_a_wrong_key(directory: Path) -> None:
    """The files stay healthy."""


def _strand_on_meta(model: Any) -> None:
    layer = model.model.layers[1].mlp.up_proj
    layer.weight = layer.weight.__class__(layer.weight.to("meta"))


@mutant(
    "A01",
    "a parameter is left on the meta device",
    source="huggingface/transformers#46566",
    base=CHAT,
    caught_by="integrity/weights-complete",
    naming=("meta device", UP),
    patch=_strand_on_meta,
)
def parameter_on_meta(directory: Path) -> None:
    """The files stay healthy."""
