from __future__ import annotations

from typing import Any

from fixtures.session.uses import uses
from suites.evidence import escaped, tokens
from suites.findings import Defect, Hazard, Record
from suites.tokenizers.checked_calls import call_or_skip
from suites.tokenizers.encoding import Panic, panics_as_errors
from suites.tokenizers.tokenization_pipeline import pipeline

NO_TEXTS: dict[str, Any] = {
    "None": None, "bytes": b"abc", "an int": 7, "a float": 1.5, "a dict": {"a": "b"}, "a set": {"abc"},
    "a list with None": ["abc", None], "a list with an int": ["abc", 7], "a list of bytes": [b"abc"],
    "a list of floats": [1.5, 2.5], "a list of dicts": [{"role": "user", "content": "abc"}],
}  # fmt: skip
ODD: dict[str, Any] = {
    "a list of ints": [1, 2], "a list in a list": [["abc"]], "three texts in a list": [["a", "b", "c"]],
    "lists three deep": [[["abc"]]], "a text next to a list": ["abc", ["def", "ghi"]],
}  # fmt: skip
"""Some classes take these as ids, pairs or words; a result and an exception are both right."""
LONE = "\ud800\udfff\udcff"
SURROGATES = ("a\ud800b", "\udfff", ["abc", "a\udcffb"])
PARAGRAPH = "The quick brown fox, 123 jumps. x != y; naïve\nüber 你好 done\n"
CHARACTERS = {"quick": 10**5, "standard": 10**6, "exhaustive": 10**7}


@uses("text", "training", "serving")
def test_bad_input_is_refused(tokenizer: Any, profile: str, record: Record) -> None:
    """Input that is not text raises an exception, and a very long text is encoded like its parts.

    Why: a missing field that is encoded as the word 'None' silently becomes training data.
    Fix: Do not convert input to str in a custom tokenizer class; report a panic of the backend to the library.
    Source: https://huggingface.co/docs/transformers/main_classes/tokenizer
    """
    for name, value in {**NO_TEXTS, "a generator": (letter for letter in "abc")}.items():
        refused(tokenizer, name, value)
    accepted = [name for name, value in ODD.items() if answer(tokenizer, value) is not None]
    record.capability("tokenizer.malformed_lists_accepted", ", ".join(accepted) or "nothing")
    results = sorted({surrogate(tokenizer, text) for text in SURROGATES})
    record.capability("tokenizer.lone_surrogates", ", ".join(results))
    long_text(tokenizer, CHARACTERS[profile])


def answer(tokenizer: Any, value: Any) -> Any:
    """The ids that a call returns; None if it raises an exception. A panic is a hazard."""
    __tracebackhide__ = True
    try:
        with panics_as_errors():
            return tokenizer(value, verbose=False)["input_ids"]
    except Panic:
        shown = escaped(repr(value))
    except Exception:
        return None
    summary = f"The input {shown} makes the backend panic, which `except Exception` does not catch."
    raise Hazard(summary, evidence={"input": shown}, uses=("serving",))


def refused(tokenizer: Any, name: str, value: Any) -> None:
    __tracebackhide__ = True
    ids = answer(tokenizer, value)
    if ids is not None:
        flat = ids[-1] if ids and isinstance(ids[-1], list) else ids
        raise Defect(
            f"The input {name} is not text, but is encoded as {tokenizer.decode(flat)!a} instead of being refused.",
            evidence={"input": escaped(repr(value)), "ids": list(ids), "tokens": tokens(tokenizer, flat)},
            uses=("training", "serving"),
        )


def surrogate(tokenizer: Any, value: Any) -> str:
    """Handling of a lone surrogate, which is no character: refused, dropped, or kept or replaced.

    The backend refuses such a text; BERT's class in Python drops it with the control characters.
    """
    __tracebackhide__ = True
    ids = answer(tokenizer, value)
    if ids is None:
        return "refused"
    back = tokenizer.decode(ids if isinstance(value, str) else ids[-1], skip_special_tokens=True)
    if any(mark in back for mark in (*LONE, "\ufffd", "?", pipeline(tokenizer).unknown or LONE[0])):
        return "kept or replaced"
    if getattr(tokenizer, "is_fast", False):
        raise Defect(
            f"The lone surrogate in {escaped(str(value))} is dropped without an error: {escaped(back)} comes back.",
            evidence={"text": escaped(str(value)), "ids": ids, "decoded": escaped(back)},
            uses=("text",),
        )
    return "dropped"


def long_text(tokenizer: Any, characters: int) -> None:
    """Raises Defect if a repeated paragraph does not decode to the repeated text of the paragraph."""
    __tracebackhide__ = True
    times = characters // len(PARAGRAPH)
    paragraph = pipeline(tokenizer).spellable(PARAGRAPH)
    once, back = decoded(tokenizer, paragraph), decoded(tokenizer, paragraph * times)
    if back != once * times:
        raise Defect(
            f"A text of {characters} characters decodes to {len(back)} characters; {len(once) * times} were expected.",
            evidence={"paragraph": escaped(paragraph), "times": times, "decoded end": escaped(back[-60:])},
            uses=("text",),
        )


def decoded(tokenizer: Any, text: str) -> str:
    """The decoded text without white space, as some decoders drop a space before the first word."""
    ids = call_or_skip(tokenizer, text, add_special_tokens=False)["input_ids"]
    return "".join(str(tokenizer.decode(ids)).split())
