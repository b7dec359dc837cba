"""Rows about the sweep of Unicode: characters that vanish or come back as others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits import edit_tokenizer, use_own_class
from selftests.gallery.registry import CHAT, SENTENCEPIECE, mutant

BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}


@mutant(
    "N02",
    "two byte tokens are missing: whole planes of Unicode vanish",
    source="own (the GGUF file of SmolLM2 lacks eight)",
    base=CHAT,
    caught_by="tokenizers/every-code-point-survives",
    severity="hazard",
    naming=("0xEE", "private"),
)
def byte_token_missing(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        vocabulary = data["model"]["vocab"]
        free = [vocabulary.pop(letter) for letter in ("î", "ñ")]  # 0xEE leads the private use area, 0xF1 plane 4
        vocabulary |= {f"<|unused_{number}|>": number for number in free}

    edit_tokenizer(directory, change)


@mutant(
    "N03",
    "a normalizer takes Thai out of the text",
    source="own",
    base=CHAT,
    caught_by="tokenizers/every-code-point-survives",
    severity="hazard",
    naming=("normalizer", "u0e01"),
)
def normalizer_eats_range(directory: Path) -> None:
    eats = {"type": "Replace", "pattern": {"Regex": "[\u0e01-\u0e5b]"}, "content": ""}
    edit_tokenizer(directory, lambda data: data.update(normalizer=eats))


@mutant(
    "N04",
    "the decoder drops a character",
    source="own",
    base=CHAT,
    caught_by="tokenizers/every-code-point-survives",
    naming=("decoder.decoders[1]", "u20ac"),
)
def decoder_drops_character(directory: Path) -> None:
    drops = {"type": "Replace", "pattern": {"String": "€"}, "content": ""}
    both = {"type": "Sequence", "decoders": [BYTE_LEVEL, drops]}
    edit_tokenizer(directory, lambda data: data.update(decoder=both))


@mutant(
    "N08",
    "the pre-tokenizer removes punctuation",
    source="own",
    base=CHAT,
    caught_by="tokenizers/every-code-point-survives",
    naming=("pre_tokenizer.pretokenizers[0]", "Split"),
)
def pre_tokenizer_removes(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        data["pre_tokenizer"]["pretokenizers"][0] |= {"pattern": {"Regex": "[!?;]"}, "behavior": "Removed"}

    edit_tokenizer(directory, change)


@mutant(
    "N09",
    "characters vanish: the vocabulary spells no bytes and names no unknown token",
    source="own",
    base=SENTENCEPIECE,
    caught_by="tokenizers/every-code-point-survives",
    severity="hazard",
    naming="no unknown token",
)
def nothing_for_the_unknown(directory: Path) -> None:
    use_own_class(directory)

    def change(data: dict[str, Any]) -> None:
        vocabulary = data["model"]["vocab"]
        vocabulary["no byte"] = vocabulary.pop("<0x00>")  # with all 256 of them, byte_fallback would be meant
        data["model"].update(byte_fallback=False, unk_token=None)

    edit_tokenizer(directory, change)


@mutant(
    "N11",
    "byte_fallback is off, and the vocabulary has a token for every byte: characters become the unknown token",
    source="own",
    base=SENTENCEPIECE,
    caught_by="tokenizers/every-code-point-survives",
    naming="byte_fallback",
)
def byte_fallback_off(directory: Path) -> None:
    use_own_class(directory)
    edit_tokenizer(directory, lambda data: data["model"].update(byte_fallback=False))


@mutant(
    "N12",
    "the model's unk_id is another token than unk_token: unknown characters become a word",
    source="own",
    base=SENTENCEPIECE,
    caught_by="tokenizers/every-code-point-survives",
    naming=("unk_id", "<unk>"),
)
def unknown_is_a_word(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        ordered = sorted(data["model"]["vocab"], key=data["model"]["vocab"].__getitem__)
        pieces = [[token, -float(number)] for number, token in enumerate(ordered)]
        data["model"] = {"type": "Unigram", "unk_id": ordered.index("▁"), "vocab": pieces, "byte_fallback": False}

    use_own_class(directory)
    edit_tokenizer(directory, change)
