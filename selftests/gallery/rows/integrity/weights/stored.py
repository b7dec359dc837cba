"""Defects of stored tensors: their numbers, dtype, and index."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits.files import edit_weights, set_keys
from selftests.gallery.edits.shards import split, write_index
from selftests.gallery.edits.tensors import add_rows
from selftests.gallery.registry import CHAT, CLASSIFIER, SENTENCEPIECE, healthy, mutant

LAYER = "model.layers.1.mlp.up_proj.weight"
VALUES = "model.layers.0.self_attn.v_proj.weight"
EMBEDDING = "model.embed_tokens.weight"


def _set(directory: Path, name: str, value: float, rows: Any = slice(None)) -> None:
    """Fills rows of a stored tensor with one number."""

    def change(tensors: dict[str, Any]) -> dict[str, Any]:
        tensors[name][rows] = value
        return tensors

    edit_weights(directory, change)


@mutant(
    "attention-head-zero",
    "one attention head is zero",
    number="I06",
    source="own",
    base=CHAT,
    caught_by="integrity/attention-heads-alive",
    severity="hazard",
    summary_contains=(VALUES, "attention head 1"),
)
def attention_head_zero(directory: Path) -> None:
    _set(directory, VALUES, 0.0, slice(32, 64))


@mutant(
    "declared-dtype-not-stored",
    "the declared dtype is not the stored one",
    number="W13",
    source="huggingface/transformers#42805",
    base=CHAT,
    caught_by="integrity/dtype-as-declared",
    severity="hazard",
    summary_contains=("float16", "float32"),
)
def declared_dtype_not_stored(directory: Path) -> None:
    set_keys(directory / "config.json", dtype="float16")


@mutant(
    "embedding-row-huge",
    "the embedding of one token is a thousand times too large",
    number="J21",
    source="own",
    base=CHAT,
    caught_by="integrity/embedding-rows-in-use",
    summary_contains=("(id 300)", "times as large as most"),
)
def embedding_row_huge(directory: Path) -> None:
    def change(tensors: dict[str, object]) -> dict[str, object]:
        tensors["model.embed_tokens.weight"][300] *= 2000  # type: ignore[index]
        return tensors

    edit_weights(directory, change)


def _rows_of(directory: Path, text: str) -> list[int]:
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(directory / "tokenizer.json"))
    return list(tokenizer.encode(text, add_special_tokens=False).ids)


@mutant(
    "embedding-rows-zero",
    "embeddings of ordinary tokens are zero",
    number="I01",
    source="own",
    base=CHAT,
    caught_by="integrity/embedding-rows-in-use",
    summary_contains=("input embedding", "only zeros", EMBEDDING),
)
def embedding_rows_zero(directory: Path) -> None:
    _set(directory, EMBEDDING, 0.0, _rows_of(directory, "The ferry leaves at dawn"))


@mutant(
    "head-rows-constant",
    "the head's rows of ordinary tokens hold one number",
    number="I02",
    source="own",
    base=SENTENCEPIECE,
    caught_by="integrity/embedding-rows-in-use",
    summary_contains=("output embedding", "one number throughout", "lm_head.weight"),
)
def head_rows_constant(directory: Path) -> None:
    _set(directory, "lm_head.weight", 0.5, _rows_of(directory, "The ferry leaves at dawn"))


@mutant(
    "safetensors-without-format",
    "a safetensors file without format metadata",
    number="W11",
    source="ml-explore/mlx#743",
    base=CHAT,
    caught_by="integrity/format-declared",
    severity="hazard",
    summary_contains="no format",
)
def safetensors_without_format(directory: Path) -> None:
    from safetensors.torch import load_file, save_file

    path = directory / "model.safetensors"
    tensors = {name: tensor.clone() for name, tensor in load_file(path).items()}
    path.unlink()
    save_file(tensors, path)


@mutant(
    "index-names-missing-tensor",
    "the index names a tensor that is in no shard",
    number="I07",
    source="own",
    base=CHAT,
    caught_by="integrity/index-agrees",
    summary_contains=("model.extra.weight", "in no shard"),
)
def index_names_missing_tensor(directory: Path) -> None:
    files = split(directory, 2)
    write_index(directory, files | {"model.extra.weight": files[EMBEDDING]})


@mutant(
    "index-omits-shard",
    "the index leaves out a shard",
    number="I08",
    source="own",
    base=CHAT,
    caught_by="integrity/index-agrees",
    summary_contains=("3", "number 2 is left out"),
)
def index_omits_shard(directory: Path) -> None:
    files = split(directory, 3)
    write_index(directory, {name: file for name, file in files.items() if "-00002-" not in file})


@mutant(
    "index-omits-tensor",
    "a stored tensor is not in the index",
    number="I09",
    source="own",
    base=CHAT,
    caught_by="integrity/index-agrees",
    severity="hazard",
    summary_contains=("not in the index", LAYER),
)
def index_omits_tensor(directory: Path) -> None:
    files = split(directory, 2)
    write_index(directory, {name: file for name, file in files.items() if name != LAYER})


@mutant(
    "last-norm-zero",
    "the last norm holds only zeros",
    number="J22",
    source="own",
    base=CHAT,
    caught_by="integrity/layers-alike",
    summary_contains=("model.norm.weight", "only zeros"),
)
def last_norm_zero(directory: Path) -> None:
    edit_weights(directory, lambda tensors: tensors | {"model.norm.weight": tensors["model.norm.weight"] * 0})


@mutant(
    "layer-matrix-constant",
    "a matrix of one layer is constant",
    number="I03",
    source="own",
    base=CHAT,
    caught_by="integrity/layers-alike",
    summary_contains=(LAYER, "only the number 1"),
)
def layer_matrix_constant(directory: Path) -> None:
    _set(directory, LAYER, 1.0)


@mutant(
    "int8-export-scale-lost",
    "the scale of an eight-bit export is lost in one layer",
    number="I04",
    source="own",
    base=CHAT,
    caught_by="integrity/layers-alike",
    severity="hazard",
    summary_contains=(LAYER, "times larger"),
)
def int8_export_scale_lost(directory: Path) -> None:
    edit_weights(directory, lambda tensors: tensors | {LAYER: tensors[LAYER] * 448})


@mutant(
    "classifier-head-zero",
    "the classification head is zero",
    number="I05",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/layers-alike",
    summary_contains=("classifier.weight", "only zeros"),
)
def classifier_head_zero(directory: Path) -> None:
    _set(directory, "classifier.weight", 0.0)


@mutant(
    "weight-nan",
    "a weight is NaN",
    number="S23",
    source="own",
    base=CHAT,
    caught_by="integrity/weights-finite",
    summary_contains=LAYER,
    also=("generation",),
)
def weight_nan(directory: Path) -> None:
    def change(tensors: dict[str, Any]) -> dict[str, Any]:
        tensors[LAYER][0, 0] = float("nan")
        return tensors

    edit_weights(directory, change)


@mutant(
    "weight-infinite",
    "a half-precision export overflowed to infinity",
    number="S24",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/weights-finite",
    summary_contains="classifier.weight",
)
def weight_infinite(directory: Path) -> None:
    def change(tensors: dict[str, Any]) -> dict[str, Any]:
        tensors["classifier.weight"][0, 0] = float("inf")
        return tensors

    edit_weights(directory, change)


@healthy(
    "weights-in-two-shards",
    "the weights are in two files with an index",
    base=CHAT,
    check="integrity/index-agrees",
)
def weights_in_two_shards(directory: Path) -> None:
    split(directory, 2)


@healthy(
    "embedding-rows-without-token",
    "the embedding is padded with zero rows that no token uses",
    base=CHAT,
    check="integrity/embedding-rows-in-use",
)
def embedding_rows_without_token(directory: Path) -> None:
    add_rows(directory)
