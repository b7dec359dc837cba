"""Rows about tokenizers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits import edit_added_token, edit_tokenizer, set_keys
from selftests.gallery.registry import CHAT, CLASSIFIER, SENTENCEPIECE, mutant


@mutant(
    "T02",
    "the tokenizer class overwrites the pre-tokenizer of tokenizer.json",
    base=CHAT,
    naming="pre_tokenizer",
    source="huggingface/transformers#45488",
    caught_by="tokenizers/agrees-with-tokenizer-json",
    since="5.0",
)
def class_overwrites_pre_tokenizer(directory: Path) -> None:
    set_keys(directory / "tokenizer_config.json", tokenizer_class="GPT2Tokenizer")


@mutant(
    "T07",
    "text after a special token grows a space",
    source="huggingface/transformers#24565",
    base=CHAT,
    caught_by="tokenizers/no-space-after-special",
    naming="space",
)
def prefix_space(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        data["pre_tokenizer"]["pretokenizers"][-1]["add_prefix_space"] = True

    edit_tokenizer(directory, change)


@mutant(
    "T09",
    "a special token swallows the spaces around it",
    source="huggingface/transformers#29774",
    base=CHAT,
    caught_by="tokenizers/special-tokens-atomic",
    severity="hazard",
    naming="<|im_end|>",
)
def token_strips_neighbours(directory: Path) -> None:
    edit_added_token(directory, "<|im_end|>", lstrip=True, rstrip=True)


@mutant(
    "T10",
    "saving lost the pre-tokenizer",
    source="huggingface/transformers#28164",
    base=CHAT,
    caught_by="tokenizers/round-trip",
    naming="Thequick",
)
def pre_tokenizer_lost(directory: Path) -> None:
    edit_tokenizer(directory, lambda data: data.update(pre_tokenizer=None))


@mutant(
    "T14",
    "model_max_length is larger than the positions that the model has",
    base=CLASSIFIER,
    naming="positions",
    source="vistec-AI/thai2transformers#73",
    caught_by="tokenizers/max-length-fits-positions",
)
def unlimited_length(directory: Path) -> None:
    set_keys(directory / "tokenizer_config.json", model_max_length=int(1e30))


@mutant(
    "T16",
    "the tokenizer adds a token that its flags deny",
    source="huggingface/transformers#47988",
    base=SENTENCEPIECE,
    caught_by="tokenizers/declared-special-tokens-observed",
    naming="add_eos_token",
)
def eos_added_against_flag(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        processor = data["post_processor"]
        processor["single"].append({"SpecialToken": {"id": "</s>", "type_id": 0}})
        processor["special_tokens"]["</s>"] = {"id": "</s>", "ids": [2], "tokens": ["</s>"]}

    edit_tokenizer(directory, change)
    set_keys(directory / "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast", add_eos_token=False)


@mutant(
    "T17",
    "the pad token's id has no row in the embedding",
    source="huggingface/transformers#23401",
    base=CHAT,
    caught_by="tokenizers/ids-have-embedding-rows",
    naming="<|late|>",
)
def id_beyond_embedding(directory: Path) -> None:
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
    "T19",
    "the end-of-turn marker is not flagged special and leaks into decoded text",
    base=CHAT,
    source="huggingface/transformers#10202",
    caught_by="tokenizers/control-tokens-flagged",
    naming="<|im_end|>",
)
def marker_not_special(directory: Path) -> None:
    edit_added_token(directory, "<|im_end|>", special=False)
    set_keys(directory / "tokenizer_config.json", eos_token="<|endoftext|>")


@mutant(
    "T21",
    "tokenizer.json was written by a newer library",
    source="modelscope/ms-swift#2494",
    base=CHAT,
    caught_by="integrity/loads",
    since="5.0",
    naming="tokenizer.json",
)
def unknown_model_type(directory: Path) -> None:
    edit_tokenizer(directory, lambda data: data["model"].update(type="NextBPE"))


@mutant(
    "T22",
    "pad equals eos: training masks the end of every answer",
    source="huggingface/trl#6357",
    base=CHAT,
    caught_by="tokenizers/padding-distinct-from-eos",
    severity="hazard",
    naming="<|im_end|>",
)
def pad_is_eos(directory: Path) -> None:
    set_keys(directory / "tokenizer_config.json", pad_token="<|im_end|>")


@mutant(
    "S10", "two tokens share an id", source="own", base=CHAT, caught_by="tokenizers/vocabulary-bijective", naming="id"
)
def shared_id(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        vocabulary = data["model"]["vocab"]
        vocabulary["zzqx"] = 300

    edit_tokenizer(directory, change)


@mutant(
    "S19",
    "saving lost the pre-tokenizer that writes the space marker; byte fallback hides it from the round trip",
    source="huggingface/transformers#28164",
    base=SENTENCEPIECE,
    caught_by="tokenizers/space-marker-used",
    naming="▁",
)
def space_marker_lost(directory: Path) -> None:
    set_keys(directory / "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")
    set_keys(directory / "config.json", model_type="unheard_of")  # no class of its own puts the pre-tokenizer back
    edit_tokenizer(directory, lambda data: data.update(normalizer=None, pre_tokenizer=None))
