"""Rows about calls of a tokenizer: batches, padding, truncation, streams, bad input."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.classes import Call, as_they_are, overriding
from selftests.gallery.edits import edit_tokenizer, set_keys
from selftests.gallery.registry import CHAT, CLASSIFIER, SENTENCEPIECE, mutant


def drops_last_of_batch(call: Call, text: Any = None, *args: Any, **options: Any) -> Any:
    answer = call(text, *args, **options)
    if isinstance(text, list) and not options.get("is_split_into_words"):
        for row in answer["input_ids"]:
            del row[-1:]
    return answer


@mutant(
    "K01",
    "in a batch each text loses its last token",
    source="own",
    base=CHAT,
    caught_by="tokenizers/batch-equals-single",
    naming=("input_ids", "batch"),
    patch_tokenizer=lambda tokenizer: overriding(tokenizer, __call__=drops_last_of_batch),
)
def batch_loses_a_token(directory: Path) -> None:
    as_they_are(directory)


def inverted_mask(call: Call, *args: Any, **options: Any) -> Any:
    answer = call(*args, **options)
    if options.get("padding") and options.get("padding_side") == "left" and "attention_mask" in answer:
        answer["attention_mask"] = [[1 - each for each in row] for row in answer["attention_mask"]]
    return answer


@mutant(
    "K02",
    "the attention mask is inverted when padding goes to the left",
    source="own",
    base=CLASSIFIER,
    caught_by="tokenizers/padding-changes-nothing-else",
    naming=("left", "attention_mask"),
    patch_tokenizer=lambda tokenizer: overriding(tokenizer, __call__=inverted_mask),
)
def left_mask_inverted(directory: Path) -> None:
    as_they_are(directory)


def other_side(call: Call, *args: Any, **options: Any) -> Any:
    tokenizer = call.__self__  # type: ignore[attr-defined]
    side = tokenizer.truncation_side
    tokenizer.truncation_side = "left"
    try:
        return call(*args, **options)
    finally:
        tokenizer.truncation_side = side


@mutant(
    "K03",
    "truncation cuts the beginning of the text away",
    source="own",
    base=SENTENCEPIECE,
    caught_by="tokenizers/truncation-keeps-what-it-says",
    naming="keeps the end and not the beginning",
    patch_tokenizer=lambda tokenizer: overriding(tokenizer, __call__=other_side),
)
def truncates_the_wrong_side(directory: Path) -> None:
    as_they_are(directory)


def without_stride(call: Call, *args: Any, **options: Any) -> Any:
    return call(*args, **(options | ({"stride": 0} if "stride" in options else {})))


@mutant(
    "K04",
    "the windows of a long text do not overlap",
    source="own",
    base=CLASSIFIER,
    caught_by="tokenizers/overflow-covers-the-text",
    naming="stride of 2",
    patch_tokenizer=lambda tokenizer: overriding(tokenizer, __call__=without_stride),
)
def stride_ignored(directory: Path) -> None:
    as_they_are(directory)


def forgetful(path: str) -> Any:
    """What unpickling gives: a tokenizer that no longer knows its added tokens."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(path)
    tokenizer.split_special_tokens = True
    return tokenizer


def reduced_to_its_path(reduce: Call, protocol: int) -> Any:
    return forgetful, (reduce.__self__.name_or_path,)  # type: ignore[attr-defined]


@mutant(
    "K05",
    "a pickled tokenizer loses its added tokens",
    source="own",
    base=CHAT,
    caught_by="tokenizers/same-in-threads-and-processes",
    naming="after pickling",
    patch_tokenizer=lambda tokenizer: overriding(tokenizer, __reduce_ex__=reduced_to_its_path),
)
def pickling_loses_added_tokens(directory: Path) -> None:
    as_they_are(directory)


def remembers_truncation(call: Call, *args: Any, **options: Any) -> Any:
    tokenizer = call.__self__  # type: ignore[attr-defined]
    if options.get("truncation"):
        tokenizer.last_length = options["max_length"]
    elif length := getattr(tokenizer, "last_length", None):
        options |= {"truncation": True, "max_length": length}
    return call(*args, **options)


@mutant(
    "K06",
    "truncation of one call stays in force for the next",
    source="huggingface/transformers#47085",
    base=CHAT,
    caught_by="tokenizers/same-in-threads-and-processes",
    naming="other ids",
    patch_tokenizer=lambda tokenizer: overriding(tokenizer, __call__=remembers_truncation),
)
def truncation_left_behind(directory: Path) -> None:
    as_they_are(directory)


@mutant(
    "K07",
    "the decoder strips the space before the first word: a stream loses one space of each indented line",
    source="huggingface/transformers#28776",
    base=CHAT,
    caught_by="tokenizers/streams-what-it-decodes",
    severity="hazard",
    naming=("TextStreamer", "decoder.decoders[1] (Strip)"),
)
def decoder_strips(directory: Path) -> None:
    strip = {"type": "Strip", "content": " ", "start": 1, "stop": 0}
    edit_tokenizer(directory, lambda data: data.update(decoder=sequence_of(data["decoder"], strip)))


@mutant(
    "K08",
    "the decoder cleans up spaces before punctuation: a stream breaks off",
    source="vllm-project/vllm#19449",
    base=CHAT,
    caught_by="tokenizers/stream-of-the-backend",
    severity="hazard",
    naming=("DecodeStream", "decoder.decoders[1] (Replace)"),
)
def decoder_cleans_up(directory: Path) -> None:
    clean = {"type": "Replace", "pattern": {"String": " ."}, "content": "."}
    edit_tokenizer(directory, lambda data: data.update(decoder=sequence_of(data["decoder"], clean)))


def sequence_of(*decoders: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Sequence", "decoders": list(decoders)}


def as_text(call: Call, text: Any = None, *args: Any, **options: Any) -> Any:
    return call(str(text) if text is None else text, *args, **options)


@mutant(
    "K09",
    "a missing text is encoded as the word None",
    source="own",
    base=CHAT,
    caught_by="tokenizers/bad-input-is-refused",
    naming="'None'",
    patch_tokenizer=lambda tokenizer: overriding(tokenizer, __call__=as_text),
)
def none_as_text(directory: Path) -> None:
    as_they_are(directory)


def without_surrogates(call: Call, text: Any = None, *args: Any, **options: Any) -> Any:
    clean = text.encode(errors="ignore").decode() if isinstance(text, str) else text
    return call(clean, *args, **options)


@mutant(
    "K10",
    "lone surrogates vanish from a text",
    source="own",
    base=CHAT,
    caught_by="tokenizers/bad-input-is-refused",
    naming="surrogate",
    patch_tokenizer=lambda tokenizer: overriding(tokenizer, __call__=without_surrogates),
)
def surrogates_vanish(directory: Path) -> None:
    as_they_are(directory)


def space_for_nothing(call: Call, text: Any = None, *args: Any, **options: Any) -> Any:
    return call(text or " " if isinstance(text, str) else text, *args, **options)


@mutant(
    "K14",
    "an empty text becomes a space",
    source="own",
    base=CHAT,
    caught_by="tokenizers/empty-input",
    naming="An empty text",
    patch_tokenizer=lambda tokenizer: overriding(tokenizer, __call__=space_for_nothing),
)
def empty_text_becomes_space(directory: Path) -> None:
    as_they_are(directory)


@mutant(
    "T24",
    "a model that continues texts declares right padding",
    source="huggingface/transformers#34842",
    base=CHAT,
    caught_by="tokenizers/padding-side-fits-generation",
    severity="hazard",
    naming="padding_side right",
)
def padded_on_the_right(directory: Path) -> None:
    set_keys(directory / "tokenizer_config.json", padding_side="right")
