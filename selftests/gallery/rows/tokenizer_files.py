"""Rows about the files of a tokenizer: what agrees between them, what is left in them, what saving keeps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from selftests.gallery.edits import edit_added_token, edit_tokenizer, set_keys
from selftests.gallery.registry import CHAT, CLASSIFIER, SENTENCEPIECE, mutant
from selftests.gallery.rows.special_tokens import of_another_class, unchanged

MISTRAL = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""The pattern of Mistral's tekken vocabularies: one token per digit, a cut before capitals."""


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


def with_mistral_pattern(tokenizer: Any) -> None:
    from tokenizers import Regex, pre_tokenizers

    split = pre_tokenizers.Split(Regex(MISTRAL), behavior="isolated")
    bytes_only = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, bytes_only])


mutant(
    "T04",
    "a mend that goes by the name of the repository: the same files give other ids under another path",
    source="huggingface/transformers#47017",
    base=CHAT,
    caught_by="tokenizers/independent-of-path",
    naming=("another path", "other ids"),
    patch_tokenizer=with_mistral_pattern,
)(unchanged)

mutant(
    "T06",
    "the mend of Mistral's pattern is applied to a tokenizer that is not Mistral's",
    source="huggingface/transformers#42591",
    base=CHAT,
    caught_by="tokenizers/agrees-with-tokenizer-json",
    naming=("other ids", "pre_tokenizer"),
    patch_tokenizer=with_mistral_pattern,
)(unchanged)


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


def adds_bos(tokenizer: Any) -> None:
    """As the class did up to transformers 4; 5 leaves the flag without effect where there is a tokenizer.json."""
    tokenizer.add_bos_token = True


@mutant(
    "X20",
    "programs that read tokenizer.json alone miss the BOS that only a flag declares",
    source="huggingface/transformers#44618",
    base=SENTENCEPIECE,
    caught_by="tokenizers/agrees-with-tokenizer-json",
    severity="hazard",
    naming=("adds <s>", "add_bos_token: true"),
    patch_tokenizer=adds_bos,
)
def bos_only_by_flag(directory: Path) -> None:
    edit_tokenizer(directory, lambda data: data.update(post_processor=None))


def decodes_words_apart(tokenizer: Any) -> None:
    from tokenizers import decoders

    tokenizer.backend_tokenizer.decoder = decoders.Metaspace()


mutant(
    "X21",
    "the class overwrites the decoder of tokenizer.json",
    source="huggingface/transformers#48206",
    base=CHAT,
    caught_by="tokenizers/agrees-with-tokenizer-json",
    naming=("decodes", "decoder"),
    patch_tokenizer=decodes_words_apart,
)(unchanged)


@mutant(
    "X22",
    "tokenizer.json still cuts at the length of somebody's last call",
    source="huggingface/transformers#24441",
    base=CHAT,
    caught_by="tokenizers/no-truncation-or-padding-left",
    severity="hazard",
    naming="cuts every text at 8 tokens",
)
def truncation_left(directory: Path) -> None:
    truncation = {"direction": "Right", "max_length": 8, "strategy": "LongestFirst", "stride": 0}
    edit_tokenizer(directory, lambda data: data.update(truncation=truncation))


@mutant(
    "X23",
    "tokenizer.json still pads to a fixed length",
    source="daulet/tokenizers#30",
    base=CLASSIFIER,
    caught_by="tokenizers/no-truncation-or-padding-left",
    severity="hazard",
    naming="pads every text to 16",
)
def padding_left(directory: Path) -> None:
    padding = {"strategy": {"Fixed": 16}, "direction": "Right", "pad_to_multiple_of": None,
               "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"}  # fmt: skip
    edit_tokenizer(directory, lambda data: data.update(padding=padding))


@mutant(
    "X24",
    "config.json names an end-of-sequence id that the tokenizer does not have",
    source="InternLM/InternLM#431",
    base=CHAT,
    caught_by="tokenizers/special-tokens-consistent",
    naming=("config.json", "2000 as eos_token_id"),
)
def eos_id_without_token(directory: Path) -> None:
    set_keys(directory / "config.json", eos_token_id=2000)


@mutant(
    "X25",
    "added_tokens.json gives a token another id than tokenizer.json",
    source="baichuan-inc/Baichuan2#210",
    base=CHAT,
    caught_by="tokenizers/special-tokens-consistent",
    naming=("<|im_end|>", "7 in added_tokens.json"),
)
def two_ids(directory: Path) -> None:
    (directory / "added_tokens.json").write_text(json.dumps({"<|im_end|>": 7}), encoding="utf-8")


@mutant(
    "X26",
    "the padding token is in no vocabulary: the library appends it",
    source="huggingface/transformers#23401",
    base=CHAT,
    caught_by="tokenizers/special-tokens-consistent",
    naming=("[PAD]", "pad_token", "beyond the model's vocabulary"),
)
def padding_in_no_vocabulary(directory: Path) -> None:
    set_keys(directory / "tokenizer_config.json", pad_token="[PAD]")


@mutant(
    "X27",
    "special_tokens_map.json names another end-of-sequence token than tokenizer_config.json",
    source="huggingface/transformers#17431",
    base=CHAT,
    caught_by="tokenizers/special-tokens-consistent",
    severity="hazard",
    naming=("eos_token", "special_tokens_map.json"),
)
def two_names(directory: Path) -> None:
    (directory / "special_tokens_map.json").write_text(json.dumps({"eos_token": "<|endoftext|>"}), encoding="utf-8")


@mutant(
    "X28",
    "the classifier looks for another padding id than the tokenizer writes",
    source="InternLM/InternLM#431",
    base=CLASSIFIER,
    caught_by="tokenizers/special-tokens-consistent",
    severity="hazard",
    naming=("[PAD]", "pad_token_id"),
)
def other_padding(directory: Path) -> None:
    set_keys(directory / "config.json", pad_token_id=5)


def saves_without_pre_tokenizer(tokenizer: Any) -> None:
    kind = type(tokenizer)

    def save(self: Any, directory: Path, **options: Any) -> Any:
        written = kind.save_pretrained(self, directory, **options)
        edit_tokenizer(Path(directory), lambda data: data.update(pre_tokenizer=None))
        return written

    of_another_class(tokenizer, save_pretrained=save)


mutant(
    "X29",
    "saving loses the pre-tokenizer, and what is loaded again gives other ids",
    source="huggingface/transformers#28164",
    base=CHAT,
    caught_by="tokenizers/survives-saving",
    severity="hazard",
    naming=("After save_pretrained", "other ids"),
    patch_tokenizer=saves_without_pre_tokenizer,
)(unchanged)


def saves_without_flags(tokenizer: Any) -> None:
    kind = type(tokenizer)

    def save(self: Any, directory: Path, **options: Any) -> Any:
        written = kind.save_pretrained(self, directory, **options)
        edit_added_token(Path(directory), "<|im_start|>", lstrip=True)
        return written

    of_another_class(tokenizer, save_pretrained=save)


mutant(
    "X30",
    "saving changes what a special token does to the space beside it",
    source="huggingface/transformers#26773",
    base=CHAT,
    caught_by="tokenizers/survives-saving",
    severity="hazard",
    naming=("After save_pretrained", "<|im_start|>", "lstrip"),
    patch_tokenizer=saves_without_flags,
)(unchanged)
