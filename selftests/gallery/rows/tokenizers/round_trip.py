"""Defects that change text on its way through encode and decode."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits.files import added_token, edit_tokenizer, forget_unused, set_keys, unchanged, use_own_class
from selftests.gallery.registry import CHAT, SENTENCEPIECE, healthy, mutant

PREPEND = {"type": "Prepend", "prepend": "▁"}
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True}


@mutant(
    "decoding-cleans-up-spaces",
    "decoding takes away the space before punctuation and contractions",
    number="T01",
    source="huggingface/transformers#44914",
    base=CHAT,
    caught_by="tokenizers/clean-up-keeps-text",
    summary_contains="clean_up_tokenization_spaces",
)
def decoding_cleans_up_spaces(directory: Path) -> None:
    """Version 5 does not clean up after BPE unless the config insists."""
    path = directory / "tokenizer_config.json"
    set_keys(path, clean_up_tokenization_spaces=True)
    set_keys(path, clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output=True)


def old_decode(tokenizer: Any) -> None:
    """Cleans up spaces whatever the options say."""
    plain = tokenizer.decode

    def decode(*arguments: Any, **options: Any) -> Any:
        text = plain(*arguments, **options)
        return [tidied(each) for each in text] if isinstance(text, list) else tidied(text)

    def tidied(text: str) -> str:
        for old, new in {" .": ".", " ?": "?", " !": "!", " ,": ",", " ' ": "'", " 's": "'s", " n't": "n't"}.items():
            text = text.replace(old, new)
        return text

    tokenizer.decode = decode


mutant(
    "class-cleans-up-spaces",
    "the tokenizer class cleans up spaces in its own decode, whatever it is asked",
    number="N01",
    source="huggingface/transformers#32575",
    base=SENTENCEPIECE,
    caught_by="tokenizers/clean-up-keeps-text",
    summary_contains="clean_up_tokenization_spaces",
    patch_tokenizer=old_decode,
)(unchanged)


@mutant(
    "text-grows-each-round-trip",
    "the normalizer prepends a space that no decoder takes away: text grows with each turn",
    number="N05",
    source="jingyaogong/minimind#135",
    base=SENTENCEPIECE,
    caught_by="tokenizers/decoding-stable",
    summary_contains="Prepend",
)
def text_grows_each_round_trip(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        spaces = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
        back = {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}
        decoders = [back, {"type": "ByteFallback"}, {"type": "Fuse"}]
        data["normalizer"] = {"type": "Sequence", "normalizers": [PREPEND, spaces]}
        data["pre_tokenizer"], data["decoder"] = None, {"type": "Sequence", "decoders": decoders}

    use_own_class(directory)
    edit_tokenizer(directory, change)


@mutant(
    "byte-tokens-missing",
    "two byte tokens are missing: whole planes of Unicode vanish",
    number="N02",
    source="own (the GGUF file of SmolLM2 lacks eight)",
    base=CHAT,
    caught_by="tokenizers/every-code-point-survives",
    severity="hazard",
    summary_contains=("0xEE", "private"),
)
def byte_tokens_missing(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        vocabulary = data["model"]["vocab"]
        free = [vocabulary.pop(letter) for letter in ("î", "ñ")]  # 0xEE leads the private use area, 0xF1 plane 4
        vocabulary |= {f"<|unused_{number}|>": number for number in free}

    edit_tokenizer(directory, change)


@mutant(
    "normalizer-removes-thai",
    "a normalizer takes Thai out of the text",
    number="N03",
    source="own",
    base=CHAT,
    caught_by="tokenizers/every-code-point-survives",
    severity="hazard",
    summary_contains=("normalizer", "u0e01"),
)
def normalizer_removes_thai(directory: Path) -> None:
    eats = {"type": "Replace", "pattern": {"Regex": "[\u0e01-\u0e5b]"}, "content": ""}
    edit_tokenizer(directory, lambda data: data.update(normalizer=eats))


@mutant(
    "decoder-drops-character",
    "the decoder drops a character",
    number="N04",
    source="own",
    base=CHAT,
    caught_by="tokenizers/every-code-point-survives",
    summary_contains=("decoder.decoders[1]", "u20ac"),
)
def decoder_drops_character(directory: Path) -> None:
    drops = {"type": "Replace", "pattern": {"String": "€"}, "content": ""}
    both = {"type": "Sequence", "decoders": [BYTE_LEVEL, drops]}
    edit_tokenizer(directory, lambda data: data.update(decoder=both))


@mutant(
    "pre-tokenizer-drops-punctuation",
    "the pre-tokenizer removes punctuation",
    number="N08",
    source="own",
    base=CHAT,
    caught_by="tokenizers/every-code-point-survives",
    summary_contains=("pre_tokenizer.pretokenizers[0]", "Split"),
)
def pre_tokenizer_drops_punctuation(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        data["pre_tokenizer"]["pretokenizers"][0] |= {"pattern": {"Regex": "[!?;]"}, "behavior": "Removed"}

    edit_tokenizer(directory, change)


@mutant(
    "no-unknown-token",
    "characters vanish: the vocabulary spells no bytes and names no unknown token",
    number="N09",
    source="own",
    base=SENTENCEPIECE,
    caught_by="tokenizers/every-code-point-survives",
    severity="hazard",
    summary_contains="no unknown token",
)
def no_unknown_token(directory: Path) -> None:
    use_own_class(directory)

    def change(data: dict[str, Any]) -> None:
        vocabulary = data["model"]["vocab"]
        vocabulary["no byte"] = vocabulary.pop("<0x00>")  # with all 256 of them, byte_fallback would be meant
        data["model"].update(byte_fallback=False, unk_token=None)

    edit_tokenizer(directory, change)


@mutant(
    "byte-fallback-off",
    "byte_fallback is off, and the vocabulary has a token for every byte: characters become the unknown token",
    number="N11",
    source="own",
    base=SENTENCEPIECE,
    caught_by="tokenizers/every-code-point-survives",
    summary_contains="byte_fallback",
)
def byte_fallback_off(directory: Path) -> None:
    use_own_class(directory)
    edit_tokenizer(directory, lambda data: data["model"].update(byte_fallback=False))


@mutant(
    "unk-id-is-a-word",
    "the model's unk_id is another token than unk_token: unknown characters become a word",
    number="N12",
    source="own",
    base=SENTENCEPIECE,
    caught_by="tokenizers/every-code-point-survives",
    summary_contains=("unk_id", "<unk>"),
)
def unk_id_is_a_word(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        ordered = sorted(data["model"]["vocab"], key=data["model"]["vocab"].__getitem__)
        pieces = [[token, -float(number)] for number, token in enumerate(ordered)]
        data["model"] = {"type": "Unigram", "unk_id": ordered.index("▁"), "vocab": pieces, "byte_fallback": False}

    use_own_class(directory)
    edit_tokenizer(directory, change)


@mutant(
    "pre-tokenizer-lost",
    "saving lost the pre-tokenizer",
    number="T10",
    source="huggingface/transformers#28164",
    base=CHAT,
    caught_by="tokenizers/round-trip",
    summary_contains="Thequick",
)
def pre_tokenizer_lost(directory: Path) -> None:
    edit_tokenizer(directory, lambda data: data.update(pre_tokenizer=None))


@mutant(
    "strip-panics-on-spaces",
    "a normalizer that strips meets added tokens of spaces: the backend panics",
    number="N13",
    source="own",
    base=CHAT,
    caught_by="tokenizers/round-trip",
    summary_contains="panic",
)
def strip_panics_on_spaces(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        data["normalizer"] = {"type": "Strip", "strip_left": True, "strip_right": True}
        free = forget_unused(data, 3)
        data["added_tokens"] += [
            added_token(number, " " * (count + 2), normalized=True, special=False) for count, number in enumerate(free)
        ]

    edit_tokenizer(directory, change)


@mutant(
    "space-marker-lost",
    "saving lost the pre-tokenizer that writes the space marker; byte fallback hides it from the round trip",
    number="S19",
    source="huggingface/transformers#28164",
    base=SENTENCEPIECE,
    caught_by="tokenizers/space-marker-used",
    summary_contains="▁",
)
def space_marker_lost(directory: Path) -> None:
    use_own_class(directory)
    edit_tokenizer(directory, lambda data: data.update(normalizer=None, pre_tokenizer=None))


@healthy(
    "merges-ignored-for-whole-words",
    "a word that is a token is taken whole, without merges, as by Llama 3",
    base=CHAT,
    check="tokenizers/round-trip",
)
def merges_ignored_for_whole_words(directory: Path) -> None:
    edit_tokenizer(directory, lambda data: data["model"].update(ignore_merges=True))


@healthy(
    "nfc-normalizer",
    "the normalizer composes characters (NFC), which leaves composed text as it is",
    base=CHAT,
    check="tokenizers/round-trip",
)
def nfc_normalizer(directory: Path) -> None:
    edit_tokenizer(directory, lambda data: data.update(normalizer={"type": "NFC"}))
