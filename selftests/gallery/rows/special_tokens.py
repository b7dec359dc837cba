"""Rows about special tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits import edit_added_token, edit_tokenizer, set_keys
from selftests.gallery.registry import CHAT, CLASSIFIER, SENTENCEPIECE, mutant


def unchanged(directory: Path) -> None:
    """For a defect that is put into the loaded tokenizer."""


def of_another_class(tokenizer: Any, **members: Any) -> None:
    """Gives one tokenizer other methods, as a class with a fault would have them."""
    kind = type(tokenizer)
    tokenizer.__class__ = type(kind.__name__, (kind,), members)


@mutant(
    "T07",
    "text after a special token grows a space",
    source="huggingface/transformers#24565",
    base=CHAT,
    caught_by="tokenizers/no-space-after-special",
    naming=("space", "add_prefix_space"),
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


def declares_single_word(tokenizer: Any) -> None:
    from tokenizers import AddedToken

    kind = type(tokenizer)

    def declared(self: Any) -> dict[int, Any]:
        added = dict(kind.added_tokens_decoder.fget(self))
        number = self.convert_tokens_to_ids("<|im_end|>")
        return added | {number: AddedToken("<|im_end|>", single_word=True, special=True, normalized=False)}

    of_another_class(tokenizer, added_tokens_decoder=property(declared))


mutant(
    "X01",
    "a token that declares single_word is found inside words",
    source="https://huggingface.co/docs/tokenizers/api/added-tokens",
    base=CHAT,
    caught_by="tokenizers/special-tokens-atomic",
    naming=("<|im_end|>", "single_word"),
    patch_tokenizer=declares_single_word,
)(unchanged)


def spaces_left_in_place(tokenizer: Any) -> None:
    """Special tokens are taken out of the text, not of the ids, and a space stays."""
    kind = type(tokenizer)

    def decode(self: Any, token_ids: Any, skip_special_tokens: bool = False, **options: Any) -> str:
        text = str(kind._decode(self, token_ids, skip_special_tokens=False, **options))
        for token in self.all_special_tokens if skip_special_tokens else []:
            text = text.replace(token, " ")
        return text

    of_another_class(tokenizer, _decode=decode)


mutant(
    "X02",
    "skipping a special token leaves a space where it stood",
    source="huggingface/transformers#24511",
    base=CHAT,
    caught_by="tokenizers/skipped-when-decoding",
    naming=("skip_special_tokens", "beside"),
    patch_tokenizer=spaces_left_in_place,
)(unchanged)


@mutant(
    "X03",
    "a control token that is listed as special is not flagged so, and stays in decoded text",
    source="huggingface/transformers#10202",
    base=CHAT,
    caught_by="tokenizers/skipped-when-decoding",
    naming=("leaves the special token", "<|im_start|>"),
    patch_tokenizer=lambda tokenizer: flags_lost(tokenizer),
)
def listed_but_not_flagged(directory: Path) -> None:
    set_keys(directory / "tokenizer_config.json", additional_special_tokens=["<|im_start|>"])


def flags_lost(tokenizer: Any) -> None:
    """What a list in tokenizer_config.json says does not reach the ids that are skipped."""
    kind = type(tokenizer)

    def decode(self: Any, token_ids: Any, skip_special_tokens: bool = False, **options: Any) -> str:
        keep = self.convert_tokens_to_ids("<|im_start|>")
        ids = [token_ids] if isinstance(token_ids, int) else list(token_ids)
        skipped = set(self.all_special_ids) - {keep} if skip_special_tokens else set()
        return str(kind._decode(self, [number for number in ids if number not in skipped], **options))

    of_another_class(tokenizer, _decode=decode)


def counts_one_text(tokenizer: Any) -> None:
    kind = type(tokenizer)
    of_another_class(tokenizer, num_special_tokens_to_add=lambda self, pair=False: kind.num_special_tokens_to_add(self))


mutant(
    "X04",
    "num_special_tokens_to_add forgets the tokens between two texts",
    source="own",
    base=CLASSIFIER,
    caught_by="tokenizers/declared-special-tokens-observed",
    naming=("num_special_tokens_to_add(pair=True)", "pair"),
    patch_tokenizer=counts_one_text,
)(unchanged)


def mask_forgets_separators(tokenizer: Any) -> None:
    kind = type(tokenizer)

    def mask(self: Any, ids: list[int], *more: Any, **options: Any) -> list[int]:
        found = kind.get_special_tokens_mask(self, ids, *more, **options)
        return [0 if number == self.sep_token_id else flag for number, flag in zip(ids, found, strict=True)]

    of_another_class(tokenizer, get_special_tokens_mask=mask)


mutant(
    "X05",
    "the mask that data collators ask for misses the separator",
    source="huggingface/transformers#35897",
    base=CLASSIFIER,
    caught_by="tokenizers/declared-special-tokens-observed",
    naming=("get_special_tokens_mask", "[SEP]"),
    patch_tokenizer=mask_forgets_separators,
)(unchanged)


@mutant(
    "X06",
    "merges spell the end-of-sequence token: users can write it although special tokens are split",
    source="huggingface/transformers#29279",
    base=SENTENCEPIECE,
    caught_by="tokenizers/user-text-cannot-forge-control-tokens",
    naming=("</s>", "split_special_tokens", "ordinary piece"),
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
    "X07",
    "split_special_tokens has no effect: text of a turn marker becomes the marker",
    source="huggingface/tokenizers#1347",
    base=CHAT,
    caught_by="tokenizers/user-text-cannot-forge-control-tokens",
    naming=("split_special_tokens", "does not split them"),
    patch_tokenizer=split_is_ignored,
)(unchanged)


@mutant(
    "X08",
    "the legacy normalizer of Llama 2 puts a space after each special token",
    source="huggingface/transformers#25073",
    base=SENTENCEPIECE,
    caught_by="tokenizers/no-space-after-special",
    severity="hazard",
    naming=("normalizer Prepend", "space"),
)
def legacy_prefix(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        replace = {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}
        data["normalizer"] = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, replace]}
        data["pre_tokenizer"] = None

    edit_tokenizer(directory, change)
    set_keys(directory / "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")
    set_keys(directory / "config.json", model_type="unheard_of")  # no class of its own puts the pre-tokenizer back
