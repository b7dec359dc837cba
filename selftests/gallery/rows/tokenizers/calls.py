"""Defects of tokenizer calls: batches, padding, truncation, bad input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits.files import set_keys, unchanged
from selftests.gallery.edits.loaded_tokenizers import Call, overriding
from selftests.gallery.registry import CHAT, CLASSIFIER, SENTENCEPIECE, mutant


def as_text(call: Call, text: Any = None, *args: Any, **options: Any) -> Any:
    return call(str(text) if text is None else text, *args, **options)


@mutant(
    "none-encoded-as-word",
    "a missing text is encoded as the word None",
    number="K09",
    source="own",
    base=CHAT,
    caught_by="tokenizers/bad-input-is-refused",
    summary_contains="'None'",
    patch_tokenizer=lambda tokenizer: overriding(tokenizer, __call__=as_text),
)
def none_encoded_as_word(directory: Path) -> None:
    unchanged(directory)


def without_surrogates(call: Call, text: Any = None, *args: Any, **options: Any) -> Any:
    clean = text.encode(errors="ignore").decode() if isinstance(text, str) else text
    return call(clean, *args, **options)


@mutant(
    "surrogates-vanish",
    "lone surrogates vanish from a text",
    number="K10",
    source="own",
    base=CHAT,
    caught_by="tokenizers/bad-input-is-refused",
    summary_contains="surrogate",
    patch_tokenizer=lambda tokenizer: overriding(tokenizer, __call__=without_surrogates),
)
def surrogates_vanish(directory: Path) -> None:
    unchanged(directory)


def drops_last_of_batch(call: Call, text: Any = None, *args: Any, **options: Any) -> Any:
    answer = call(text, *args, **options)
    if isinstance(text, list) and not options.get("is_split_into_words"):
        for row in answer["input_ids"]:
            del row[-1:]
    return answer


@mutant(
    "batch-loses-last-token",
    "in a batch each text loses its last token",
    number="K01",
    source="own",
    base=CHAT,
    caught_by="tokenizers/batch-equals-single",
    summary_contains=("input_ids", "batch"),
    patch_tokenizer=lambda tokenizer: overriding(tokenizer, __call__=drops_last_of_batch),
)
def batch_loses_last_token(directory: Path) -> None:
    unchanged(directory)


def space_for_nothing(call: Call, text: Any = None, *args: Any, **options: Any) -> Any:
    return call(text or " " if isinstance(text, str) else text, *args, **options)


@mutant(
    "empty-text-becomes-space",
    "an empty text becomes a space",
    number="K14",
    source="own",
    base=CHAT,
    caught_by="tokenizers/empty-input",
    summary_contains="An empty text",
    patch_tokenizer=lambda tokenizer: overriding(tokenizer, __call__=space_for_nothing),
)
def empty_text_becomes_space(directory: Path) -> None:
    unchanged(directory)


def without_stride(call: Call, *args: Any, **options: Any) -> Any:
    return call(*args, **(options | ({"stride": 0} if "stride" in options else {})))


@mutant(
    "overflow-stride-ignored",
    "the windows of a long text do not overlap",
    number="K04",
    source="own",
    base=CLASSIFIER,
    caught_by="tokenizers/overflow-covers-the-text",
    summary_contains="stride of 2",
    patch_tokenizer=lambda tokenizer: overriding(tokenizer, __call__=without_stride),
)
def overflow_stride_ignored(directory: Path) -> None:
    unchanged(directory)


def inverted_mask(call: Call, *args: Any, **options: Any) -> Any:
    answer = call(*args, **options)
    if options.get("padding") and options.get("padding_side") == "left" and "attention_mask" in answer:
        answer["attention_mask"] = [[1 - each for each in row] for row in answer["attention_mask"]]
    return answer


@mutant(
    "left-padding-mask-inverted",
    "the attention mask is inverted with left padding",
    number="K02",
    source="own",
    base=CLASSIFIER,
    caught_by="tokenizers/padding-changes-nothing-else",
    summary_contains=("left", "attention_mask"),
    patch_tokenizer=lambda tokenizer: overriding(tokenizer, __call__=inverted_mask),
)
def left_padding_mask_inverted(directory: Path) -> None:
    unchanged(directory)


@mutant(
    "decoder-pads-right",
    "a model that continues texts declares right padding",
    number="T24",
    source="huggingface/transformers#34842",
    base=CHAT,
    caught_by="tokenizers/padding-side-fits-generation",
    severity="hazard",
    summary_contains="padding_side right",
)
def decoder_pads_right(directory: Path) -> None:
    set_keys(directory / "tokenizer_config.json", padding_side="right")


def forgetful(path: str) -> Any:
    """Returns a tokenizer without its added tokens, as a faulty unpickling would."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(path)
    tokenizer.split_special_tokens = True
    return tokenizer


def reduced_to_its_path(reduce: Call, protocol: int) -> Any:
    return forgetful, (reduce.__self__.name_or_path,)  # type: ignore[attr-defined]


@mutant(
    "pickle-loses-added-tokens",
    "a pickled tokenizer loses its added tokens",
    number="K05",
    source="own",
    base=CHAT,
    caught_by="tokenizers/same-in-threads-and-processes",
    summary_contains="after pickling",
    patch_tokenizer=lambda tokenizer: overriding(tokenizer, __reduce_ex__=reduced_to_its_path),
)
def pickle_loses_added_tokens(directory: Path) -> None:
    unchanged(directory)


def remembers_truncation(call: Call, *args: Any, **options: Any) -> Any:
    tokenizer = call.__self__  # type: ignore[attr-defined]
    if options.get("truncation"):
        tokenizer.last_length = options["max_length"]
    elif length := getattr(tokenizer, "last_length", None):
        options |= {"truncation": True, "max_length": length}
    return call(*args, **options)


@mutant(
    "truncation-stays-in-force",
    "truncation of one call stays in force for the next",
    number="K06",
    source="huggingface/transformers#47085",
    base=CHAT,
    caught_by="tokenizers/same-in-threads-and-processes",
    summary_contains="other ids",
    patch_tokenizer=lambda tokenizer: overriding(tokenizer, __call__=remembers_truncation),
)
def truncation_stays_in_force(directory: Path) -> None:
    unchanged(directory)


def words_joined(call: Call, text: Any = None, *args: Any, **options: Any) -> Any:
    if options.get("is_split_into_words") and isinstance(text[0], str):
        text = ["".join(text[:2]), "", *text[2:]]
    return call(text, *args, **options)


@mutant(
    "word-list-runs-together",
    "two words of a list are taken for one",
    number="K13",
    source="own",
    base=CLASSIFIER,
    caught_by="tokenizers/takes-words",
    summary_contains="word_ids",
    patch_tokenizer=lambda tokenizer: overriding(tokenizer, __call__=words_joined),
)
def word_list_runs_together(directory: Path) -> None:
    unchanged(directory)


def other_side(call: Call, *args: Any, **options: Any) -> Any:
    tokenizer = call.__self__  # type: ignore[attr-defined]
    side = tokenizer.truncation_side
    tokenizer.truncation_side = "left"
    try:
        return call(*args, **options)
    finally:
        tokenizer.truncation_side = side


@mutant(
    "truncation-cuts-beginning",
    "truncation cuts the beginning of the text away",
    number="K03",
    source="own",
    base=SENTENCEPIECE,
    caught_by="tokenizers/truncation-keeps-what-it-says",
    summary_contains="keeps the end and not the beginning",
    patch_tokenizer=lambda tokenizer: overriding(tokenizer, __call__=other_side),
)
def truncation_cuts_beginning(directory: Path) -> None:
    unchanged(directory)
