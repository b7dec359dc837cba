from __future__ import annotations

from typing import Any

from fixtures.session.needs import needs
from suites.findings import Defect, Hazard
from suites.tokenizers.encoding import encode
from suites.tokenizers.evidence import case
from suites.tokenizers.special import special_tokens

# What single_word counts as part of a word, and what not.
INSIDE, BETWEEN = ("ab{}cd", "a{}1", "é{}_"), ("ab {} cd", "({})", "\n{}.")


@needs("marks_in_text")
def test_special_tokens_atomic(
    tokenizer: Any,
) -> None:
    """Each special token in a text becomes its one id, as its flags declare, and the text beside it stays as it is.

    Why: a turn marker that falls into pieces is plain text to the model, and one that eats the white space beside it
        shows the model another text than the one that was written.
    Fix: List the token in added_tokens of tokenizer.json with special: true, lstrip: false and rstrip: false.
    Source: https://huggingface.co/docs/tokenizers/api/added-tokens;
        https://github.com/huggingface/transformers/issues/29774
    """
    eaters: dict[str, str] = {}
    for token, entry in special_tokens(tokenizer).items():
        if entry.single_word:
            whole_words_only(tokenizer, token)
        else:
            one_id(tokenizer, token, f"ab{token}cd")
        one_id(tokenizer, token, f"ab {token} cd")
        if token != tokenizer.mask_token and (eaten := eaten_sides(tokenizer, token)):
            eaters[token] = eaten
            undeclared(tokenizer, token, eaten, declared=entry)
    if eaters:
        named = ", ".join(f"{token} ({side})" for token, side in list(eaters.items())[:4])
        more = f" and {len(eaters) - 4} more" if len(eaters) > 4 else ""
        raise Hazard(
            f"Special tokens take away the white space beside them, as their flags declare: {named}{more}.",
            evidence={"tokens": eaters},
            remedy=remedy(tokenizer),
        )


def remedy(tokenizer: Any) -> str:
    """What can be done: the tokenizers of CTC models set the flags themselves, whatever the files say."""
    kind = type(tokenizer).__name__
    if kind.endswith("CTCTokenizer"):
        return f"{kind} sets these flags itself, and no file changes them: write no special tokens into transcripts."
    return "Where the model was not trained so, set lstrip and rstrip of these added tokens to false."


def one_id(tokenizer: Any, token: str, text: str) -> None:
    __tracebackhide__ = True
    expected, ids = tokenizer.convert_tokens_to_ids(token), encode(tokenizer, text)
    if expected in encode(tokenizer, text.replace(token, "")):
        return  # the text beside it becomes this id too: the unknown token, or the word delimiter of speech models
    if ids.count(expected) != 1:
        raise Defect(
            f"The special token {token} is not encoded as its id {expected} inside {text!r}.",
            evidence=case(tokenizer, text, ids, expected=expected),
        )


def whole_words_only(tokenizer: Any, token: str) -> None:
    """A token that declares single_word is found between words and not inside one.

    Not asked of slow tokenizers, which go by spaces, nor where the model itself writes the token (Unigram).
    """
    __tracebackhide__ = True
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None or type(backend.model).__name__ == "Unigram":
        return
    for text in (place.format(token) for place in BETWEEN):
        one_id(tokenizer, token, text)
    for text in (place.format(token) for place in INSIDE):
        ids = encode(tokenizer, text)
        if tokenizer.convert_tokens_to_ids(token) in ids:
            raise Defect(
                f"The special token {token} is found inside a word, although it declares single_word.",
                evidence=case(tokenizer, text, ids),
            )


def eaten_sides(tokenizer: Any, token: str) -> str:
    """The sides on which a space beside the token makes no difference, although it makes one in plain text."""
    left = encode(tokenizer, "ab ") != encode(tokenizer, "ab")
    right = encode(tokenizer, " cd") != encode(tokenizer, "cd")
    eats_left = left and encode(tokenizer, f"ab {token}") == encode(tokenizer, f"ab{token}")
    eats_right = right and encode(tokenizer, f"{token} cd") == encode(tokenizer, f"{token}cd")
    return " and ".join(side for side, eats in (("left", eats_left), ("right", eats_right)) if eats)


def undeclared(tokenizer: Any, token: str, eaten: str, *, declared: Any) -> None:
    __tracebackhide__ = True
    sides = {"left": declared.lstrip, "right": declared.rstrip}
    if not all(sides[side] for side in eaten.split(" and ")):
        ids = encode(tokenizer, f"ab {token} cd")
        raise Defect(
            f"The special token {token} takes away the white space on its {eaten}, which it does not declare.",
            evidence=case(tokenizer, f"ab {token} cd", ids, lstrip=declared.lstrip, rstrip=declared.rstrip),
        )
