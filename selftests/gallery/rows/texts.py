"""Rows about texts that go in and come out, and about the vocabulary."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits import added_token, edit_tokenizer, forget_unused, set_keys, use_own_class
from selftests.gallery.registry import CHAT, SENTENCEPIECE, mutant

PREPEND = {"type": "Prepend", "prepend": "▁"}


@mutant(
    "T01",
    "decoding takes away the space before punctuation and contractions",
    source="huggingface/transformers#44914",
    base=CHAT,
    caught_by="tokenizers/clean-up-keeps-text",
    naming="clean_up_tokenization_spaces",
)
def cleaned_up(directory: Path) -> None:
    """Version 5 leaves BPE alone, unless it is told that the output may be corrupted."""
    path = directory / "tokenizer_config.json"
    set_keys(path, clean_up_tokenization_spaces=True)
    set_keys(path, clean_up_tokenization_spaces_for_bpe_even_though_it_will_corrupt_output=True)


def old_decode(tokenizer: Any) -> None:
    """The decode of a class that tidies up by itself, whatever it is asked."""
    plain = tokenizer.decode

    def decode(*arguments: Any, **options: Any) -> Any:
        text = plain(*arguments, **options)
        return [tidied(each) for each in text] if isinstance(text, list) else tidied(text)

    def tidied(text: str) -> str:
        for old, new in {" .": ".", " ?": "?", " !": "!", " ,": ",", " ' ": "'", " 's": "'s", " n't": "n't"}.items():
            text = text.replace(old, new)
        return text

    tokenizer.decode = decode


@mutant(
    "N01",
    "the tokenizer class cleans up spaces in its own decode, whatever it is asked",
    source="huggingface/transformers#32575",
    base=SENTENCEPIECE,
    caught_by="tokenizers/clean-up-keeps-text",
    naming="clean_up_tokenization_spaces",
    patch_tokenizer=old_decode,
)
def cleaned_up_by_class(directory: Path) -> None:
    """Nothing in the files shows it."""


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
    use_own_class(directory)
    edit_tokenizer(directory, lambda data: data.update(normalizer=None, pre_tokenizer=None))


@mutant(
    "N05",
    "the normalizer prepends a space that no decoder takes away: text grows with each turn",
    source="jingyaogong/minimind#135",
    base=SENTENCEPIECE,
    caught_by="tokenizers/decoding-stable",
    naming="Prepend",
)
def text_grows(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        spaces = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
        back = {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}
        decoders = [back, {"type": "ByteFallback"}, {"type": "Fuse"}]
        data["normalizer"] = {"type": "Sequence", "normalizers": [PREPEND, spaces]}
        data["pre_tokenizer"], data["decoder"] = None, {"type": "Sequence", "decoders": decoders}

    use_own_class(directory)
    edit_tokenizer(directory, change)


@mutant(
    "N06",
    "the decoder writes other words than the tokens say: ids decode to text that grows when it is encoded again",
    source="own",
    base=SENTENCEPIECE,
    caught_by="tokenizers/every-id-decodes",
    naming=("decoder.decoders", "Replace"),
)
def decoder_writes_other_words(directory: Path) -> None:
    more = {"type": "Replace", "pattern": {"String": "he"}, "content": "hehe"}
    use_own_class(directory)
    edit_tokenizer(directory, lambda data: data["decoder"]["decoders"].append(more))


def shorter(tokenizer: Any) -> None:
    """A class that counts its vocabulary by itself, and wrongly."""
    kind = type(tokenizer)
    length = len(tokenizer)
    tokenizer.__class__ = type(kind.__name__, (kind,), {"__len__": lambda _: length - 3})


@mutant(
    "N10",
    "len(tokenizer) leaves the last tokens out: embeddings are resized too small",
    source="huggingface/transformers#48446",
    base=CHAT,
    caught_by="tokenizers/vocabulary-bijective",
    naming="len(tokenizer)",
    patch_tokenizer=shorter,
)
def wrong_length(directory: Path) -> None:
    """Nothing in the files shows it."""


@mutant(
    "N07",
    "a special token is the beginning of another and is found first",
    source="huggingface/transformers#13220",
    base=CHAT,
    caught_by="tokenizers/special-pairs-atomic",
    naming="<|im_end|>",
)
def shadowed_token(directory: Path) -> None:
    """Tokens that are looked for before the normalizer win over those that are looked for after it."""

    def change(data: dict[str, Any]) -> None:
        first, second = forget_unused(data, 2)
        data["added_tokens"] += [added_token(first, "<|im_end|><|im", normalized=False)]
        data["added_tokens"] += [added_token(second, "<|im_end|><|im_start|>", normalized=True)]

    edit_tokenizer(directory, change)


@mutant(
    "N13",
    "a normalizer that strips meets added tokens of spaces: the backend panics",
    source="own",
    base=CHAT,
    caught_by="tokenizers/round-trip",
    naming="panic",
)
def spaces_stripped_to_nothing(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        data["normalizer"] = {"type": "Strip", "strip_left": True, "strip_right": True}
        free = forget_unused(data, 3)
        data["added_tokens"] += [
            added_token(number, " " * (count + 2), normalized=True, special=False) for count, number in enumerate(free)
        ]

    edit_tokenizer(directory, change)
