from __future__ import annotations

from typing import Any

from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Defect, Hazard, NotApplicable, Record, Refused
from suites.tokenizers.encoding import encode
from suites.tokenizers.evidence import case
from suites.tokenizers.special import control_tokens

TEMPLATES = ("{}", "ab{}cd", "ab {} cd", "{}{}")
SEPARATOR = "\n \n"


@uses("serving")
def test_user_text_cannot_forge_control_tokens(subject: Subject, tokenizer: Any, record: Record) -> None:
    """With split_special_tokens=True, the text of a control token does not become its id.

    Why: users who write a turn marker into a question can otherwise speak as the system or the assistant; splitting is
        the library's only protection, and it fails for tokens that are also ordinary pieces of the vocabulary.
    Fix: Encode user content with split_special_tokens=True and remove the named tokens from it first; when training a
        tokenizer, make control tokens added tokens and keep them out of vocabulary and merges.
    Source: https://github.com/huggingface/transformers/issues/29279;
        https://github.com/huggingface/tokenizers/issues/1347
    """
    found = control_tokens(subject, tokenizer)
    control = {token: number for token, number in found.items() if len(token) > 1}  # one character cannot be split
    by_default = [token for token, number in control.items() if number in encode(tokenizer, f"ab {token} cd")]
    record.capability("tokenizer.control_tokens_in_text", fate(len(by_default), len(control)))
    if not by_default:
        raise NotApplicable("no control token in a text becomes its id, so there is nothing to split")
    if forged := {token: text for token, text in forgeries(tokenizer, control).items() if text}:
        report(subject, tokenizer, forged, len(control))


def fate(becoming: int, all_of_them: int) -> str:
    if not all_of_them:
        return "no control tokens"
    if becoming == all_of_them:
        return "parsed as control tokens"
    return f"{becoming} of {all_of_them} parsed as control tokens" if becoming else "kept as text"


def filled(template: str, token: str) -> str:
    return template.replace("{}", token)


def forgeries(tokenizer: Any, control: dict[str, int]) -> dict[str, str]:
    """Tokens whose text becomes their id although special tokens are split, with such a text."""
    together = SEPARATOR.join(
        template.format(*[token] * template.count("{}")) for token in control for template in TEMPLATES
    )
    if not set(control.values()) & set(split(tokenizer, together)):
        return {}
    return {token: forging(tokenizer, token, number) for token, number in control.items()}


def forging(tokenizer: Any, token: str, number: int) -> str:
    """A text in which the token becomes its id; '' if there is none, and for the unknown token."""
    if number == tokenizer.unk_token_id:
        return ""
    texts = [filled(template, token) for template in TEMPLATES]
    return next((text for text in texts if number in split(tokenizer, text)), "")


def split(tokenizer: Any, text: str) -> list[int]:
    __tracebackhide__ = True
    try:
        return list(tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"])
    except Exception as error:
        reason = f"{type(tokenizer).__name__} cannot encode with split_special_tokens=True: {error}"
        raise Refused(reason) from None
    finally:
        encode(tokenizer, "")  # resets the setting of the backend


def report(subject: Subject, tokenizer: Any, forged: dict[str, str], among: int) -> None:
    __tracebackhide__ = True
    token, text = next(iter(forged.items()))
    ids = split(tokenizer, text)
    # A separator in the text of an encoder is harmless compared with a turn marker in a question.
    severity = Defect if subject.traits.has_chat_template else Hazard
    raise severity(
        f"The text of {token} becomes its id {tokenizer.convert_tokens_to_ids(token)} even with "
        f"split_special_tokens=True ({len(forged)} of {among} special tokens): {reason(tokenizer, token)}.",
        evidence=case(tokenizer, text, ids, tokens_forged=list(forged)[:40]),
    )


def reason(tokenizer: Any, token: str) -> str:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return f"{type(tokenizer).__name__} does not split them"
    if token not in [piece.value for piece in backend.model.tokenize(token)]:
        return f"{type(tokenizer).__name__} does not split them"
    return f"the {type(backend.model).__name__} vocabulary has it as an ordinary piece"
