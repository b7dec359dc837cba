"""Rows about stored tensors: their numbers, the index, and what holds them together."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits import edit_weights, set_keys
from selftests.gallery.registry import CHAT, CLASSIFIER, SENTENCEPIECE, mutant
from selftests.gallery.shards import split, write_index

LAYER = "model.layers.1.mlp.up_proj.weight"
VALUES = "model.layers.0.self_attn.v_proj.weight"
EMBEDDING = "model.embed_tokens.weight"


def _rows_of(directory: Path, text: str) -> list[int]:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    return list(tokenizer.encode(text, add_special_tokens=False).ids)


def _set(directory: Path, name: str, value: float, rows: Any = slice(None)) -> None:
    """Fills rows of a stored tensor with one number."""

    def change(tensors: dict[str, Any]) -> dict[str, Any]:
        tensors[name][rows] = value
        return tensors

    edit_weights(directory, change)


@mutant(
    "I01",
    "embeddings of ordinary tokens are zero",
    source="own",
    base=CHAT,
    caught_by="integrity/embedding-rows-in-use",
    naming=("input embedding", "only zeros", EMBEDDING),
)
def zero_rows(directory: Path) -> None:
    _set(directory, EMBEDDING, 0.0, _rows_of(directory, "The ferry leaves at dawn"))


@mutant(
    "I02",
    "the head's rows of ordinary tokens hold one number",
    source="own",
    base=SENTENCEPIECE,
    caught_by="integrity/embedding-rows-in-use",
    naming=("output embedding", "one number throughout", "lm_head.weight"),
)
def constant_rows_of_the_head(directory: Path) -> None:
    _set(directory, "lm_head.weight", 0.5, _rows_of(directory, "The ferry leaves at dawn"))


@mutant(
    "I03",
    "a matrix of one layer is constant",
    source="own",
    base=CHAT,
    caught_by="integrity/layers-alike",
    naming=(LAYER, "only the number 1"),
)
def constant_layer(directory: Path) -> None:
    _set(directory, LAYER, 1.0)


@mutant(
    "I04",
    "the scale of an eight-bit export is lost in one layer",
    source="own",
    base=CHAT,
    caught_by="integrity/layers-alike",
    severity="hazard",
    naming=(LAYER, "times larger"),
)
def lost_scale(directory: Path) -> None:
    edit_weights(directory, lambda tensors: tensors | {LAYER: tensors[LAYER] * 448})


@mutant(
    "I05",
    "the classification head is zero",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/layers-alike",
    naming=("classifier.weight", "only zeros"),
)
def zero_classifier(directory: Path) -> None:
    _set(directory, "classifier.weight", 0.0)


@mutant(
    "I06",
    "one attention head is zero",
    source="own",
    base=CHAT,
    caught_by="integrity/attention-heads-alive",
    severity="hazard",
    naming=(VALUES, "attention head 1"),
)
def zero_head(directory: Path) -> None:
    _set(directory, VALUES, 0.0, slice(32, 64))


@mutant(
    "I07",
    "the index names a tensor that is in no shard",
    source="own",
    base=CHAT,
    caught_by="integrity/index-agrees",
    naming=("model.extra.weight", "in no shard"),
)
def index_names_missing_tensor(directory: Path) -> None:
    files = split(directory, 2)
    write_index(directory, files | {"model.extra.weight": files[EMBEDDING]})


@mutant(
    "I08",
    "the index leaves out a shard",
    source="own",
    base=CHAT,
    caught_by="integrity/index-agrees",
    naming=("3", "number 2 is left out"),
)
def index_leaves_out_a_shard(directory: Path) -> None:
    files = split(directory, 3)
    write_index(directory, {name: file for name, file in files.items() if "-00002-" not in file})


@mutant(
    "I09",
    "a stored tensor is not in the index",
    source="own",
    base=CHAT,
    caught_by="integrity/index-agrees",
    severity="hazard",
    naming=("not in the index", LAYER),
)
def tensor_not_in_the_index(directory: Path) -> None:
    files = split(directory, 2)
    write_index(directory, {name: file for name, file in files.items() if name != LAYER})


@mutant(
    "I10",
    "a shard is missing",
    source="own",
    base=CHAT,
    caught_by="integrity/loads",
    naming="model-00002-of-00003.safetensors is missing",
)
def missing_shard(directory: Path) -> None:
    split(directory, 3)
    (directory / "model-00002-of-00003.safetensors").unlink()


@mutant(
    "W11",
    "a safetensors file without format metadata",
    source="ml-explore/mlx#743",
    base=CHAT,
    caught_by="integrity/format-declared",
    severity="hazard",
    naming="no format",
)
def no_format(directory: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = directory / "model.safetensors"
    tensors = {name: tensor.clone() for name, tensor in load_file(path).items()}
    path.unlink()
    save_file(tensors, path)


@mutant(
    "W05",
    "the config ties a model that stores a head of its own",
    source="huggingface/transformers#42612",
    base=SENTENCEPIECE,
    caught_by="integrity/tied-as-declared",
    naming=("tie_word_embeddings", "lm_head.weight"),
)
def tie_over_a_distinct_head(directory: Path) -> None:
    set_keys(directory / "config.json", tie_word_embeddings=True)


@mutant(
    "I11",
    "the config unties a model that stores no head",
    source="own",
    base=CHAT,
    caught_by="integrity/weights-complete",
    naming=("missing", "lm_head.weight"),
)
def no_tie_without_a_head(directory: Path) -> None:
    set_keys(directory / "config.json", tie_word_embeddings=False)
