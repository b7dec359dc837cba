"""Defects of tokenizer files: what they declare, and what saving keeps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from selftests.gallery.edits.files import edit_added_token, edit_tokenizer, set_keys, unchanged
from selftests.gallery.edits.loaded_tokenizers import of_another_class
from selftests.gallery.registry import CHAT, CLASSIFIER, SENTENCEPIECE, healthy, mutant

MISTRAL = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""The pattern of Mistral's tekken vocabularies: one token per digit, and a split before capitals."""


@mutant(
    "class-overwrites-pre-tokenizer",
    "the tokenizer class overwrites the pre-tokenizer of tokenizer.json",
    number="T02",
    base=CHAT,
    summary_contains="pre_tokenizer",
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
    "mistral-pattern-fix-misapplied",
    "the fix of Mistral's pattern is applied to a tokenizer that is not Mistral's",
    number="T06",
    source="huggingface/transformers#42591",
    base=CHAT,
    caught_by="tokenizers/agrees-with-tokenizer-json",
    summary_contains=("other ids", "pre_tokenizer"),
    patch_tokenizer=with_mistral_pattern,
)(unchanged)


def adds_bos(tokenizer: Any) -> None:
    """Adds BOS as the class did up to transformers 4. Version 5 ignores the flag next to a tokenizer.json."""
    tokenizer.add_bos_token = True


@mutant(
    "bos-only-by-flag",
    "programs that read tokenizer.json alone miss the BOS that only a flag declares",
    number="X20",
    source="huggingface/transformers#44618",
    base=SENTENCEPIECE,
    caught_by="tokenizers/agrees-with-tokenizer-json",
    severity="hazard",
    summary_contains=("adds <s>", "add_bos_token: true"),
    patch_tokenizer=adds_bos,
)
def bos_only_by_flag(directory: Path) -> None:
    edit_tokenizer(directory, lambda data: data.update(post_processor=None))


def decodes_words_apart(tokenizer: Any) -> None:
    from tokenizers import decoders

    tokenizer.backend_tokenizer.decoder = decoders.Metaspace()


mutant(
    "class-overwrites-decoder",
    "the class overwrites the decoder of tokenizer.json",
    number="X21",
    source="huggingface/transformers#48206",
    base=CHAT,
    caught_by="tokenizers/agrees-with-tokenizer-json",
    summary_contains=("decodes", "decoder"),
    patch_tokenizer=decodes_words_apart,
)(unchanged)


@mutant(
    "bpe-dropout-left-on",
    "the dropout of merges that training used is left in the file: ids change from call to call",
    number="VR04",
    source="own",
    base=CHAT,
    caught_by="tokenizers/agrees-with-tokenizer-json",
    summary_contains=("dropout of 0.1", "at random"),
)
def bpe_dropout_left_on(directory: Path) -> None:
    edit_tokenizer(directory, lambda data: data["model"].update(dropout=0.1))


@mutant(
    "comma-is-pad-token",
    "a comma is the pad token: it is taken out of every text",
    number="VR05",
    source="own",
    base=CHAT,
    caught_by="tokenizers/agrees-with-tokenizer-json",
    summary_contains=("','", "pad_token"),
)
def comma_is_pad_token(directory: Path) -> None:
    set_keys(directory / "tokenizer_config.json", pad_token=",")


def tidies_up(tokenizer: Any) -> None:
    """Replaces the backend's decode in the loaded object, as CLIP's class does."""
    plain = tokenizer.backend_tokenizer.decode
    tokenizer.backend_tokenizer.decode = lambda *given, **options: plain(*given, **options).replace("qu", "kw")


mutant(
    "class-overrides-decode",
    "the class puts a decode of its own before that of the backend",
    number="VR06",
    source="huggingface/tokenizers#872",
    base=CHAT,
    caught_by="tokenizers/agrees-with-tokenizer-json",
    summary_contains="a decode of its own",
    patch_tokenizer=tidies_up,
)(unchanged)


mutant(
    "fix-depends-on-repository-name",
    "a fix depends on the name of the repository: equal files under another path give other ids",
    number="T04",
    source="huggingface/transformers#47017",
    base=CHAT,
    caught_by="tokenizers/independent-of-path",
    summary_contains=("another path", "other ids"),
    patch_tokenizer=with_mistral_pattern,
)(unchanged)


@mutant(
    "model-max-length-too-large",
    "model_max_length is larger than the positions that the model has",
    number="T14",
    base=CLASSIFIER,
    summary_contains="positions",
    source="vistec-AI/thai2transformers#73",
    caught_by="tokenizers/max-length-fits-positions",
)
def model_max_length_too_large(directory: Path) -> None:
    set_keys(directory / "tokenizer_config.json", model_max_length=int(1e30))


@mutant(
    "tokenizer-json-truncates",
    "tokenizer.json still truncates to the length of an earlier call",
    number="X22",
    source="huggingface/transformers#24441",
    base=CHAT,
    caught_by="tokenizers/no-truncation-or-padding-left",
    severity="hazard",
    summary_contains="cuts every text at 8 tokens",
)
def tokenizer_json_truncates(directory: Path) -> None:
    truncation = {"direction": "Right", "max_length": 8, "strategy": "LongestFirst", "stride": 0}
    edit_tokenizer(directory, lambda data: data.update(truncation=truncation))


@mutant(
    "tokenizer-json-pads",
    "tokenizer.json still pads to a fixed length",
    number="X23",
    source="daulet/tokenizers#30",
    base=CLASSIFIER,
    caught_by="tokenizers/no-truncation-or-padding-left",
    severity="hazard",
    summary_contains="pads every text to 16",
)
def tokenizer_json_pads(directory: Path) -> None:
    padding = {"strategy": {"Fixed": 16}, "direction": "Right", "pad_to_multiple_of": None,
               "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"}  # fmt: skip
    edit_tokenizer(directory, lambda data: data.update(padding=padding))


@mutant(
    "eos-id-without-token",
    "config.json names an end-of-sequence id that the tokenizer does not have",
    number="X24",
    source="InternLM/InternLM#431",
    base=CHAT,
    caught_by="tokenizers/special-tokens-consistent",
    summary_contains=("config.json", "2000 as eos_token_id"),
)
def eos_id_without_token(directory: Path) -> None:
    set_keys(directory / "config.json", eos_token_id=2000)


@mutant(
    "added-token-two-ids",
    "added_tokens.json gives a token another id than tokenizer.json",
    number="X25",
    source="baichuan-inc/Baichuan2#210",
    base=CHAT,
    caught_by="tokenizers/special-tokens-consistent",
    summary_contains=("<|im_end|>", "7 in added_tokens.json"),
)
def added_token_two_ids(directory: Path) -> None:
    (directory / "added_tokens.json").write_text(json.dumps({"<|im_end|>": 7}), encoding="utf-8")


@mutant(
    "pad-token-in-no-vocabulary",
    "the padding token is in no vocabulary: the library appends it",
    number="X26",
    source="huggingface/transformers#23401",
    base=CHAT,
    caught_by="tokenizers/special-tokens-consistent",
    summary_contains=("[PAD]", "pad_token", "beyond the model's vocabulary"),
)
def pad_token_in_no_vocabulary(directory: Path) -> None:
    set_keys(directory / "tokenizer_config.json", pad_token="[PAD]")


@mutant(
    "eos-token-two-names",
    "special_tokens_map.json names another end-of-sequence token than tokenizer_config.json",
    number="X27",
    source="huggingface/transformers#17431",
    base=CHAT,
    caught_by="tokenizers/special-tokens-consistent",
    severity="hazard",
    summary_contains=("eos_token", "special_tokens_map.json"),
)
def eos_token_two_names(directory: Path) -> None:
    (directory / "special_tokens_map.json").write_text(json.dumps({"eos_token": "<|endoftext|>"}), encoding="utf-8")


@mutant(
    "config-padding-id-differs",
    "the classifier looks for another padding id than the tokenizer writes",
    number="X28",
    source="InternLM/InternLM#431",
    base=CLASSIFIER,
    caught_by="tokenizers/special-tokens-consistent",
    severity="hazard",
    summary_contains=("[PAD]", "pad_token_id"),
)
def config_padding_id_differs(directory: Path) -> None:
    set_keys(directory / "config.json", pad_token_id=5)


def saves_without_pre_tokenizer(tokenizer: Any) -> None:
    kind = type(tokenizer)

    def save(self: Any, directory: Path, **options: Any) -> Any:
        written = kind.save_pretrained(self, directory, **options)
        edit_tokenizer(Path(directory), lambda data: data.update(pre_tokenizer=None))
        return written

    of_another_class(tokenizer, save_pretrained=save)


mutant(
    "saving-loses-pre-tokenizer",
    "saving loses the pre-tokenizer, and what is loaded again gives other ids",
    number="X29",
    source="huggingface/transformers#28164",
    base=CHAT,
    caught_by="tokenizers/survives-saving",
    severity="hazard",
    summary_contains=("After save_pretrained", "other ids"),
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
    "saving-changes-strip-flags",
    "saving changes what a special token does to the space next to it",
    number="X30",
    source="huggingface/transformers#26773",
    base=CHAT,
    caught_by="tokenizers/survives-saving",
    severity="hazard",
    summary_contains=("After save_pretrained", "<|im_start|>", "lstrip"),
    patch_tokenizer=saves_without_flags,
)(unchanged)


@healthy(
    "older-token-files-agree",
    "special_tokens_map.json and added_tokens.json of an earlier save say what tokenizer.json says",
    base=CHAT,
    check="tokenizers/special-tokens-consistent",
)
def older_token_files_agree(directory: Path) -> None:
    named = {"bos_token": "<|endoftext|>", "eos_token": "<|im_end|>", "pad_token": "<|pad|>"}
    (directory / "special_tokens_map.json").write_text(json.dumps(named), encoding="utf-8")
    numbers = {"<|endoftext|>": 0, "<|im_start|>": 1, "<|im_end|>": 2, "<|pad|>": 3}
    (directory / "added_tokens.json").write_text(json.dumps(numbers), encoding="utf-8")


@healthy(
    "max-length-below-positions",
    "model_max_length is below the number of positions",
    base=CHAT,
    check="tokenizers/max-length-fits-positions",
)
def max_length_below_positions(directory: Path) -> None:
    set_keys(directory / "tokenizer_config.json", model_max_length=1024)
