"""Defects of special tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits.files import (
    added_token,
    edit_added_token,
    edit_tokenizer,
    forget_unused,
    set_keys,
    unchanged,
)
from selftests.gallery.edits.loaded_tokenizers import of_another_class
from selftests.gallery.registry import CHAT, CLASSIFIER, SENTENCEPIECE, healthy, mutant


@mutant(
    "end-of-turn-not-special",
    "the end-of-turn marker is not flagged special and leaks into decoded text",
    number="T19",
    base=CHAT,
    source="huggingface/transformers#10202",
    caught_by="tokenizers/control-tokens-flagged",
    summary_contains="<|im_end|>",
)
def end_of_turn_not_special(directory: Path) -> None:
    edit_added_token(directory, "<|im_end|>", special=False)
    set_keys(directory / "tokenizer_config.json", eos_token="<|endoftext|>")


@mutant(
    "eos-added-against-flag",
    "the tokenizer adds a token that its flags deny",
    number="T16",
    source="huggingface/transformers#47988",
    base=SENTENCEPIECE,
    caught_by="tokenizers/declared-special-tokens-observed",
    summary_contains="add_eos_token",
)
def eos_added_against_flag(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        processor = data["post_processor"]
        processor["single"].append({"SpecialToken": {"id": "</s>", "type_id": 0}})
        processor["special_tokens"]["</s>"] = {"id": "</s>", "ids": [2], "tokens": ["</s>"]}

    edit_tokenizer(directory, change)
    set_keys(directory / "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast", add_eos_token=False)


def counts_one_text(tokenizer: Any) -> None:
    kind = type(tokenizer)
    of_another_class(tokenizer, num_special_tokens_to_add=lambda self, pair=False: kind.num_special_tokens_to_add(self))


mutant(
    "pair-separator-not-counted",
    "num_special_tokens_to_add forgets the tokens between two texts",
    number="X04",
    source="own",
    base=CLASSIFIER,
    caught_by="tokenizers/declared-special-tokens-observed",
    summary_contains=("num_special_tokens_to_add(pair=True)", "pair"),
    patch_tokenizer=counts_one_text,
)(unchanged)


def mask_forgets_separators(tokenizer: Any) -> None:
    kind = type(tokenizer)

    def mask(self: Any, ids: list[int], *more: Any, **options: Any) -> list[int]:
        found = kind.get_special_tokens_mask(self, ids, *more, **options)
        return [0 if number == self.sep_token_id else flag for number, flag in zip(ids, found, strict=True)]

    of_another_class(tokenizer, get_special_tokens_mask=mask)


mutant(
    "special-tokens-mask-without-separator",
    "the mask that data collators ask for misses the separator",
    number="X05",
    source="huggingface/transformers#35897",
    base=CLASSIFIER,
    caught_by="tokenizers/declared-special-tokens-observed",
    summary_contains=("get_special_tokens_mask", "[SEP]"),
    patch_tokenizer=mask_forgets_separators,
)(unchanged)


@mutant(
    "space-after-special-token",
    "text after a special token grows a space",
    number="T07",
    source="huggingface/transformers#24565",
    base=CHAT,
    caught_by="tokenizers/no-space-after-special",
    summary_contains=("space", "add_prefix_space"),
)
def space_after_special_token(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        data["pre_tokenizer"]["pretokenizers"][-1]["add_prefix_space"] = True

    edit_tokenizer(directory, change)


@mutant(
    "legacy-space-after-special",
    "the legacy normalizer of Llama 2 puts a space after each special token",
    number="X08",
    source="huggingface/transformers#25073",
    base=SENTENCEPIECE,
    caught_by="tokenizers/no-space-after-special",
    severity="hazard",
    summary_contains=("normalizer Prepend", "space"),
)
def legacy_space_after_special(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        replace = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
        data["normalizer"] = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, replace]}
        data["pre_tokenizer"] = None

    edit_tokenizer(directory, change)
    set_keys(directory / "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")
    set_keys(directory / "config.json", model_type="unheard_of")  # no class of its own puts the pre-tokenizer back


@mutant(
    "pad-is-eos",
    "pad equals eos: training masks the end of every answer",
    number="T22",
    source="huggingface/trl#6357",
    base=CHAT,
    caught_by="tokenizers/padding-distinct-from-eos",
    severity="hazard",
    summary_contains="<|im_end|>",
)
def pad_is_eos(directory: Path) -> None:
    set_keys(directory / "tokenizer_config.json", pad_token="<|im_end|>")


def spaces_left_in_place(tokenizer: Any) -> None:
    """Removes special tokens from the text instead of the ids, which leaves a space."""
    kind = type(tokenizer)

    def decode(self: Any, token_ids: Any, skip_special_tokens: bool = False, **options: Any) -> str:
        text = str(kind._decode(self, token_ids, skip_special_tokens=False, **options))
        for token in self.all_special_tokens if skip_special_tokens else []:
            text = text.replace(token, " ")
        return text

    of_another_class(tokenizer, _decode=decode)


mutant(
    "skipped-token-leaves-space",
    "skipping a special token leaves a space where it stood",
    number="X02",
    source="huggingface/transformers#24511",
    base=CHAT,
    caught_by="tokenizers/skipped-when-decoding",
    summary_contains=("skip_special_tokens", "next to"),
    patch_tokenizer=spaces_left_in_place,
)(unchanged)


def flags_lost(tokenizer: Any) -> None:
    """Forgets the listed special tokens when ids are skipped."""
    kind = type(tokenizer)

    def decode(self: Any, token_ids: Any, skip_special_tokens: bool = False, **options: Any) -> str:
        keep = self.convert_tokens_to_ids("<|im_start|>")
        ids = [token_ids] if isinstance(token_ids, int) else list(token_ids)
        skipped = set(self.all_special_ids) - {keep} if skip_special_tokens else set()
        return str(kind._decode(self, [number for number in ids if number not in skipped], **options))

    of_another_class(tokenizer, _decode=decode)


@mutant(
    "listed-special-not-flagged",
    "a control token that is listed as special is not flagged so, and stays in decoded text",
    number="X03",
    source="huggingface/transformers#10202",
    base=CHAT,
    caught_by="tokenizers/skipped-when-decoding",
    summary_contains=("keeps the special token", "<|im_start|>"),
    patch_tokenizer=lambda tokenizer: flags_lost(tokenizer),
)
def listed_special_not_flagged(directory: Path) -> None:
    set_keys(directory / "tokenizer_config.json", additional_special_tokens=["<|im_start|>"])


@mutant(
    "special-token-shadowed",
    "a special token is the beginning of another and is found first",
    number="N07",
    source="huggingface/transformers#13220",
    base=CHAT,
    caught_by="tokenizers/special-pairs-atomic",
    summary_contains="<|im_end|>",
)
def special_token_shadowed(directory: Path) -> None:
    """Tokens matched before the normalizer win over those matched after it."""

    def change(data: dict[str, Any]) -> None:
        first, second = forget_unused(data, 2)
        data["added_tokens"] += [added_token(first, "<|im_end|><|im", normalized=False)]
        data["added_tokens"] += [added_token(second, "<|im_end|><|im_start|>", normalized=True)]

    edit_tokenizer(directory, change)


@mutant(
    "special-token-swallows-spaces",
    "a special token swallows the spaces around it",
    number="T09",
    source="huggingface/transformers#29774",
    base=CHAT,
    caught_by="tokenizers/special-tokens-atomic",
    severity="hazard",
    summary_contains="<|im_end|>",
)
def special_token_swallows_spaces(directory: Path) -> None:
    edit_added_token(directory, "<|im_end|>", lstrip=True, rstrip=True)


def declares_single_word(tokenizer: Any) -> None:
    from tokenizers import AddedToken

    kind = type(tokenizer)

    def declared(self: Any) -> dict[int, Any]:
        added = dict(kind.added_tokens_decoder.fget(self))
        number = self.convert_tokens_to_ids("<|im_end|>")
        return added | {number: AddedToken("<|im_end|>", single_word=True, special=True, normalized=False)}

    of_another_class(tokenizer, added_tokens_decoder=property(declared))


mutant(
    "single-word-found-inside",
    "a token that declares single_word is found inside words",
    number="X01",
    source="https://huggingface.co/docs/tokenizers/api/added-tokens",
    base=CHAT,
    caught_by="tokenizers/special-tokens-atomic",
    summary_contains=("<|im_end|>", "single_word"),
    patch_tokenizer=declares_single_word,
)(unchanged)


@mutant(
    "merges-spell-eos",
    "merges spell the end-of-sequence token: users can write it although special tokens are split",
    number="X06",
    source="huggingface/transformers#29279",
    base=SENTENCEPIECE,
    caught_by="tokenizers/user-text-cannot-forge-control-tokens",
    summary_contains=("</s>", "split_special_tokens", "ordinary piece"),
)
def merges_spell_eos(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        model = data["model"]
        steps = [("<", "/", "</"), ("</", "s", "</s"), ("</s", ">", "</s>")]
        free = [tuple(pair) for pair in model["merges"][-2:]]
        for (left, right), (_, _, piece) in zip(free, steps, strict=False):
            model["vocab"][piece] = model["vocab"].pop(left + right)
        model["merges"] = [[left, right] for left, right, _ in steps] + model["merges"][:-2]

    edit_tokenizer(directory, change)


def split_is_ignored(tokenizer: Any) -> None:
    kind = type(tokenizer)

    def call(self: Any, *texts: Any, split_special_tokens: bool = False, **options: Any) -> Any:
        return kind.__call__(self, *texts, **options)

    of_another_class(tokenizer, __call__=call)


mutant(
    "split-special-tokens-no-effect",
    "split_special_tokens has no effect: text of a turn marker becomes the marker",
    number="X07",
    source="huggingface/tokenizers#1347",
    base=CHAT,
    caught_by="tokenizers/user-text-cannot-forge-control-tokens",
    summary_contains=("split_special_tokens", "does not split them"),
    patch_tokenizer=split_is_ignored,
)(unchanged)


@healthy(
    "reserved-special-tokens",
    "the last tokens of the vocabulary are special and reserved for later use",
    base=CHAT,
    check="tokenizers/special-tokens-atomic",
)
def reserved_special_tokens(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        for number in forget_unused(data, 4):
            data["model"]["vocab"][f"<|reserved_{number}|>"] = number
            data["added_tokens"].append(added_token(number, f"<|reserved_{number}|>"))

    edit_tokenizer(directory, change)
