"""Rows about tokenizers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits import edit_tokenizer, set_keys
from selftests.gallery.registry import CHAT, SENTENCEPIECE, mutant


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
