"""Defects of weights after loading: missing, re-initialised, tied, or saved under other names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits.files import edit_weights, set_keys, unchanged
from selftests.gallery.registry import CHAT, CLASSIFIER, SENTENCEPIECE, healthy, mutant

LAYER = "model.layers.1.mlp.up_proj.weight"
UP = "model.layers.1.mlp.up_proj.weight"


def _tie(model: Any) -> None:
    model.lm_head.weight = model.model.embed_tokens.weight


mutant(
    "loader-ties-untied-head",
    "the loader ties a model that is not tied",
    number="I12",
    source="vllm-project/vllm#51063",
    base=SENTENCEPIECE,
    caught_by="integrity/loaded-as-stored",
    summary_contains=("lm_head.weight", "it holds model.embed_tokens.weight"),
    patch=_tie,
)(unchanged)


def _embed_with_the_head(model: Any) -> None:
    import torch

    model.encoder.embed_tokens = torch.nn.Embedding.from_pretrained(model.lm_head.weight.detach().clone())


@mutant(
    "encoder-embeddings-from-head",
    "the encoder's embeddings are loaded from the head",
    number="W06",
    source="huggingface/transformers#48154",
    base="tiny-encoder-decoder",
    caught_by="integrity/loaded-as-stored",
    summary_contains=("encoder.embed_tokens.weight", "it holds lm_head.weight"),
    patch=_embed_with_the_head,
)
def encoder_embeddings_from_head(directory: Path) -> None:
    """The checkpoint names its embeddings once for each side, as MADLAD does."""

    def change(tensors: dict[str, Any]) -> dict[str, Any]:
        shared = tensors.pop("shared.weight")
        sides = {f"{side}.embed_tokens.weight": shared.clone() for side in ("encoder", "decoder")}
        return tensors | sides | {"shared.weight": shared}

    edit_weights(directory, change)


def _initialise_again(model: Any) -> None:
    import torch

    torch.nn.init.normal_(model.lm_head.weight, std=0.02)


mutant(
    "head-reinitialised-after-load",
    "the head is initialised again after loading",
    number="I36",
    source="huggingface/transformers#45079",
    base=SENTENCEPIECE,
    caught_by="integrity/loaded-as-stored",
    summary_contains=("lm_head.weight", "initialising again"),
    patch=_initialise_again,
)(unchanged)


def _change_some_rows(model: Any) -> None:
    model.model.embed_tokens.weight.data[1000:].zero_()


mutant(
    "embedding-rows-overwritten",
    "some rows of the embedding are overwritten after loading",
    number="I14",
    source="own",
    base=CHAT,
    caught_by="integrity/loaded-as-stored",
    summary_contains=("embed_tokens.weight", "a part differs"),
    patch=_change_some_rows,
)(unchanged)


def _save_a_wrong_key(model: Any) -> None:
    save = model.save_pretrained

    def saving(directory: Any, **options: Any) -> None:
        tensors = {name.replace("mlp.", "mixer."): tensor for name, tensor in model.state_dict().items()}
        save(directory, state_dict=tensors, **options)

    model.save_pretrained = saving


mutant(
    "save-writes-wrong-key",
    "save_pretrained writes a wrong key",
    number="I37",
    source="huggingface/transformers#48075",
    base=SENTENCEPIECE,
    caught_by="integrity/saved-names",
    summary_contains=("save_pretrained", "mixer.", "leaves out"),
    patch=_save_a_wrong_key,
)(unchanged)


def _untie(model: Any) -> None:
    import torch

    model.lm_head.weight = torch.nn.Parameter(model.lm_head.weight.detach().clone())


mutant(
    "loader-unties-head",
    "the loader unties a model that is tied",
    number="I13",
    source="own",
    base=CHAT,
    caught_by="integrity/tied-as-declared",
    summary_contains=("tie_word_embeddings", "two matrices"),
    patch=_untie,
)(unchanged)


@mutant(
    "encoder-embeddings-not-stored",
    "the encoder's embeddings are not in the checkpoint; the head is used instead",
    number="J20",
    source="own",
    base="tiny-encoder-decoder",
    caught_by="integrity/tied-as-declared",
    summary_contains=("input embeddings are not in the checkpoint", "lm_head.weight"),
    since="5.0",
)
def encoder_embeddings_not_stored(directory: Path) -> None:
    edit_weights(directory, lambda tensors: {name: each for name, each in tensors.items() if name != "shared.weight"})


@mutant(
    "config-ties-distinct-head",
    "the config ties a model that stores a head of its own",
    number="W05",
    source="huggingface/transformers#42612",
    base=SENTENCEPIECE,
    caught_by="integrity/tied-as-declared",
    summary_contains=("tie_word_embeddings", "lm_head.weight"),
)
def config_ties_distinct_head(directory: Path) -> None:
    set_keys(directory / "config.json", tie_word_embeddings=True)


@mutant(
    "weight-prefix-renamed",
    "a renamed prefix leaves layers random",
    number="W09",
    source="huggingface/transformers#46402",
    base=CHAT,
    caught_by="integrity/weights-complete",
    summary_contains="missing",
)
def weight_prefix_renamed(directory: Path) -> None:
    edit_weights(
        directory,
        lambda tensors: {name.replace("model.layers.1.", "model.block.1."): tensor for name, tensor in tensors.items()},
    )


@mutant(
    "tensor-missing",
    "one tensor is missing and re-initialised",
    number="S21",
    source="huggingface/transformers#45361",
    base=CHAT,
    caught_by="integrity/weights-complete",
    summary_contains=LAYER,
)
def tensor_missing(directory: Path) -> None:
    edit_weights(directory, lambda tensors: {name: tensor for name, tensor in tensors.items() if name != LAYER})


@mutant(
    "tensor-unused",
    "a stored tensor is not used by the model",
    number="S22",
    source="own",
    base=CHAT,
    severity="hazard",
    caught_by="integrity/weights-complete",
    summary_contains="model.extra.weight",
)
def tensor_unused(directory: Path) -> None:
    edit_weights(directory, lambda tensors: tensors | {"model.extra.weight": tensors[LAYER].clone()})


@mutant(
    "more-head-rows-than-labels",
    "the head has more rows than the config has labels",
    number="S26",
    source="cardiffnlp/tweeteval#13",
    base=CLASSIFIER,
    caught_by="integrity/weights-complete",
    summary_contains="classifier.weight",
)
def more_head_rows_than_labels(directory: Path) -> None:
    labels = ["NEGATIVE", "NEUTRAL", "POSITIVE"]
    inverse = {name: number for number, name in enumerate(labels)}
    set_keys(directory / "config.json", id2label=dict(enumerate(labels)), label2id=inverse)


def _without_pooler(directory: Path) -> None:
    edit_weights(directory, lambda tensors: {name: t for name, t in tensors.items() if "pooler." not in name})


@mutant(
    "classifier-pooler-missing",
    "a classifier lost the pooler that its head reads",
    number="S28",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/weights-complete",
    summary_contains="pooler.dense.weight",
)
def classifier_pooler_missing(directory: Path) -> None:
    _without_pooler(directory)


@mutant(
    "encoder-pooler-missing",
    "a bare encoder ships no pooler: pooler_output is random, mean pooling is not",
    number="S29",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/weights-complete",
    severity="hazard",
    summary_contains="pooler.dense.weight",
)
def encoder_pooler_missing(directory: Path) -> None:
    set_keys(directory / "config.json", architectures=["BertModel"])
    _without_pooler(directory)


def _strand_on_meta(model: Any) -> None:
    layer = model.model.layers[1].mlp.up_proj
    layer.weight = layer.weight.__class__(layer.weight.to("meta"))


mutant(
    "parameter-on-meta",
    "a parameter is left on the meta device",
    number="A01",
    source="huggingface/transformers#46566",
    base=CHAT,
    caught_by="integrity/weights-complete",
    summary_contains=("meta device", UP),
    patch=_strand_on_meta,
)(unchanged)


@mutant(
    "config-unties-missing-head",
    "the config unties a model that stores no head",
    number="I11",
    source="own",
    base=CHAT,
    caught_by="integrity/weights-complete",
    summary_contains=("missing", "lm_head.weight"),
)
def config_unties_missing_head(directory: Path) -> None:
    set_keys(directory / "config.json", tie_word_embeddings=False)


@healthy(
    "tied-head-stored-too",
    "the file stores the tied head a second time, with equal numbers",
    base=CHAT,
    check="integrity/tied-as-declared",
)
def tied_head_stored_too(directory: Path) -> None:
    def change(tensors: dict[str, Any]) -> dict[str, Any]:
        return tensors | {"lm_head.weight": tensors["model.embed_tokens.weight"].clone()}

    edit_weights(directory, change)
