"""Defects of the vocabulary."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits.files import edit_tokenizer, set_keys, unchanged, use_own_class
from selftests.gallery.edits.tensors import add_rows
from selftests.gallery.registry import CHAT, SENTENCEPIECE, healthy, mutant


@mutant(
    "decoder-writes-other-words",
    "the decoder writes other words than the tokens say: ids decode to text that grows when it is encoded again",
    number="N06",
    source="own",
    base=SENTENCEPIECE,
    caught_by="tokenizers/every-id-decodes",
    summary_contains=("decoder.decoders", "Replace"),
)
def decoder_writes_other_words(directory: Path) -> None:
    more = {"type": "Replace", "pattern": {"String": "he"}, "content": "hehe"}
    use_own_class(directory)
    edit_tokenizer(directory, lambda data: data["decoder"]["decoders"].append(more))


@mutant(
    "pad-id-without-row",
    "the pad token's id has no row in the embedding",
    number="T17",
    source="huggingface/transformers#23401",
    base=CHAT,
    caught_by="tokenizers/ids-have-embedding-rows",
    summary_contains="<|late|>",
)
def pad_id_without_row(directory: Path) -> None:
    late = {
        "id": 1024,
        "content": "<|late|>",
        "single_word": False,
        "lstrip": False,
        "rstrip": False,
        "normalized": False,
        "special": True,
    }
    edit_tokenizer(directory, lambda data: data["added_tokens"].append(late))
    set_keys(directory / "tokenizer_config.json", pad_token="<|late|>")


@mutant(
    "two-tokens-one-id",
    "two tokens share an id",
    number="S10",
    source="own",
    base=CHAT,
    caught_by="tokenizers/vocabulary-bijective",
    summary_contains="id",
)
def two_tokens_one_id(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        vocabulary = data["model"]["vocab"]
        vocabulary["zzqx"] = 300

    edit_tokenizer(directory, change)


def shorter(tokenizer: Any) -> None:
    """Counts the vocabulary wrongly."""
    kind = type(tokenizer)
    length = len(tokenizer)
    tokenizer.__class__ = type(kind.__name__, (kind,), {"__len__": lambda _: length - 3})


mutant(
    "tokenizer-length-too-small",
    "len(tokenizer) leaves the last tokens out: embeddings are resized too small",
    number="N10",
    source="huggingface/transformers#48446",
    base=CHAT,
    caught_by="tokenizers/vocabulary-bijective",
    summary_contains="len(tokenizer)",
    patch_tokenizer=shorter,
)(unchanged)


@mutant(
    "half-of-merges-lost",
    "half of the merges was cut off",
    number="VR01",
    source="own",
    base=CHAT,
    caught_by="tokenizers/vocabulary-reachable",
    summary_contains=("of the vocabulary is never used", "merges"),
)
def half_of_merges_lost(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        data["model"]["merges"] = data["model"]["merges"][: len(data["model"]["merges"]) // 2]

    edit_tokenizer(directory, change)


@mutant(
    "merges-reversed",
    "the merges are in the reverse order",
    number="VR02",
    source="own",
    base=CHAT,
    caught_by="tokenizers/vocabulary-reachable",
    summary_contains=("merges", "another order"),
)
def merges_reversed(directory: Path) -> None:
    edit_tokenizer(directory, lambda data: data["model"]["merges"].reverse())


@mutant(
    "cased-vocabulary-lower-cased",
    "a cased vocabulary under a normalizer that lower-cases",
    number="VR03",
    source="own",
    base=CHAT,
    caught_by="tokenizers/vocabulary-reachable",
    severity="hazard",
    summary_contains=("are rewritten", "Lowercase"),
)
def cased_vocabulary_lower_cased(directory: Path) -> None:
    use_own_class(directory)
    edit_tokenizer(directory, lambda data: data.update(normalizer={"type": "Lowercase"}))


@healthy(
    "rows-beyond-vocabulary",
    "the embedding has more rows than the tokenizer has tokens",
    base=CHAT,
    check="tokenizers/ids-have-embedding-rows",
)
def rows_beyond_vocabulary(directory: Path) -> None:
    add_rows(directory)
