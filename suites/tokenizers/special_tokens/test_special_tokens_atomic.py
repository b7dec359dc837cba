from __future__ import annotations

from typing import Any

from fixtures.session.needs import needs
from fixtures.session.uses import uses
from suites.findings import Defect, Hazard, NotApplicable
from suites.tokenizers.encoding import encode
from suites.tokenizers.evidence import case
from suites.tokenizers.special import special_tokens

INSIDE_WORDS, BETWEEN_WORDS = ("ab{}cd", "a{}1", "é{}_"), ("ab {} cd", "({})", "\n{}.")


@needs("marks_in_text")
@uses("text")
def test_special_tokens_atomic(tokenizer: Any) -> None:
    """Each special token in a text becomes its one id, as its flags declare, and the text around it does not change.

    Why: a turn marker in pieces is plain text to the model, and one that strips the white space around it changes the
        text that the model sees.
    Fix: List the token in added_tokens of tokenizer.json with special: true, lstrip: false and rstrip: false.
    Source: https://huggingface.co/docs/tokenizers/api/added-tokens;
        https://github.com/huggingface/transformers/issues/29774
    """
    stripping: dict[str, str] = {}
    special = special_tokens(tokenizer)
    if not special:
        raise NotApplicable("the tokenizer has no special tokens")
    for token, entry in special.items():
        if entry.single_word:
            whole_words_only(tokenizer, token)
        else:
            one_id(tokenizer, token, f"ab{token}cd")
        one_id(tokenizer, token, f"ab {token} cd")
        if token != tokenizer.mask_token and (sides := stripped_sides(tokenizer, token)):
            stripping[token] = sides
            check_declared(tokenizer, token, sides, declared=entry)
    if stripping:
        named = ", ".join(f"{token} ({side})" for token, side in list(stripping.items())[:4])
        more = f" and {len(stripping) - 4} more" if len(stripping) > 4 else ""
        raise Hazard(
            f"Special tokens strip the white space next to them, as their flags declare: {named}{more}.",
            evidence={"tokens": stripping},
            fix=fix(tokenizer),
        )


def fix(tokenizer: Any) -> str:
    """The fix; classes of CTC models set the flags themselves, whatever the files declare."""
    kind = type(tokenizer).__name__
    if kind.endswith("CTCTokenizer"):
        return f"{kind} always sets these flags, whatever the files declare: write no special tokens into transcripts."
    return "Set lstrip and rstrip of these added tokens to false, unless the model was trained with them."


def one_id(tokenizer: Any, token: str, text: str) -> None:
    __tracebackhide__ = True
    expected, ids = tokenizer.convert_tokens_to_ids(token), encode(tokenizer, text)
    if expected in encode(tokenizer, text.replace(token, "")):
        return  # the text around it has this id, too: the unknown token, or the word delimiter of speech models
    if ids.count(expected) != 1:
        raise Defect(
            f"The special token {token} is not encoded as its id {expected} inside {text!r}.",
            evidence=case(tokenizer, text, ids, expected=expected),
        )


def whole_words_only(tokenizer: Any, token: str) -> None:
    """Raises Defect if a single_word token is matched inside a word, or not matched between words.

    Not tested for slow tokenizers, which go by spaces, nor for Unigram, whose model may have the token as a piece.
    """
    __tracebackhide__ = True
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None or type(backend.model).__name__ == "Unigram":
        return
    for text in (pattern.format(token) for pattern in BETWEEN_WORDS):
        one_id(tokenizer, token, text)
    for text in (pattern.format(token) for pattern in INSIDE_WORDS):
        ids = encode(tokenizer, text)
        if tokenizer.convert_tokens_to_ids(token) in ids:
            raise Defect(
                f"The special token {token} is matched inside a word, although it declares single_word.",
                evidence=case(tokenizer, text, ids),
            )


def stripped_sides(tokenizer: Any, token: str) -> str:
    """The sides on which a space next to the token changes no ids, although it does so in plain text."""
    left = encode(tokenizer, "ab ") != encode(tokenizer, "ab")
    right = encode(tokenizer, " cd") != encode(tokenizer, "cd")
    strips_left = left and encode(tokenizer, f"ab {token}") == encode(tokenizer, f"ab{token}")
    strips_right = right and encode(tokenizer, f"{token} cd") == encode(tokenizer, f"{token}cd")
    return " and ".join(side for side, strips in (("left", strips_left), ("right", strips_right)) if strips)


def check_declared(tokenizer: Any, token: str, stripped: str, *, declared: Any) -> None:
    __tracebackhide__ = True
    sides = {"left": declared.lstrip, "right": declared.rstrip}
    if not all(sides[side] for side in stripped.split(" and ")):
        ids = encode(tokenizer, f"ab {token} cd")
        raise Defect(
            f"The special token {token} strips the white space on its {stripped}, which its flags do not declare.",
            evidence=case(tokenizer, f"ab {token} cd", ids, lstrip=declared.lstrip, rstrip=declared.rstrip),
        )
