"""Rows about tokenizers."""

from __future__ import annotations

from pathlib import Path

from selftests.gallery.edits import edit_tokenizer, set_keys
from selftests.gallery.registry import CHAT, mutant


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
