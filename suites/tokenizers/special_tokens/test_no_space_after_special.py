from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.evidence import tokens
from suites.findings import Defect, Hazard, NotApplicable
from suites.tokenizers.encoding import encode
from suites.tokenizers.evidence import case
from suites.tokenizers.rules import steps
from suites.tokenizers.special import special_tokens
from suites.tokenizers.tokenization_pipeline import component_state, component_types, pipeline

MARKS = ("▁", "Ġ", " ")
TRIED = 12
REMOVE_RULE = "Find the rule that adds the space in tokenizer.json and remove it."
TEMPLATES = ("{0}hello", "ab{0}hello", "{1}{0}hello")
"""The token {0} at the start, inside a text, and after another one, {1}."""


@dataclass(frozen=True)
class Cause:
    """The component that adds the space, the fix, and True if published models add it on purpose."""

    component: str
    fix: str
    published: bool = True


@uses("text")
def test_no_space_after_special(subject: Subject, tokenizer: Any) -> None:
    """No space is added to text directly after a special token, or between two special tokens.

    Why: turn headers stand directly before text; with an added space the model sees tokens that it was not trained on,
        and token counts differ from other implementations.
    Fix: Set add_prefix_space to false (ByteLevel), or prepend_scheme to "first" and legacy to false (Metaspace).
    Source: https://github.com/huggingface/transformers/pull/24565;
        https://github.com/huggingface/transformers/pull/25073
    """
    special = list(special_tokens(tokenizer))
    if not special:
        raise NotApplicable("the tokenizer has no special tokens")
    for number, token in enumerate(special[:TRIED]):
        other = special[number - 1]
        for text in (template.format(token, other) for template in TEMPLATES):
            ids = encode(tokenizer, text)
            if spaced := token_with_space(tokenizer, ids, tokenizer.convert_tokens_to_ids(token)):
                report(subject, tokenizer, token, text, ids, f"'hello' becomes {spaced!r}")
        check_two_tokens(subject, tokenizer, token, other)


def token_with_space(tokenizer: Any, ids: list[int], special: int) -> str:
    """The token after the last special token if it begins with a space, else ''."""
    where = len(ids) - 1 - ids[::-1].index(special) if special in ids else len(ids)
    first = str(tokens(tokenizer, ids[where + 1 : where + 2] or [special])[0])
    return first if where + 1 < len(ids) and first.startswith(MARKS) else ""


def check_two_tokens(subject: Subject, tokenizer: Any, token: str, other: str) -> None:
    """Reports a space between two special tokens that stand side by side."""
    __tracebackhide__ = True
    text, both = other + token, [tokenizer.convert_tokens_to_ids(each) for each in (other, token)]
    ids = encode(tokenizer, text)
    inner = tokens(tokenizer, ids[1:-1])
    if [ids[:1], ids[-1:]] == [both[:1], both[1:]] and inner and all(str(each) in MARKS for each in inner):
        report(subject, tokenizer, other, text, ids, f"{inner[0]!r} is added between it and {token}")


def report(subject: Subject, tokenizer: Any, token: str, text: str, ids: list[int], what: str) -> None:
    __tracebackhide__ = True
    source = cause(tokenizer)
    # Many published models have SentencePiece's legacy space (Llama 2), but no byte-level chat model adds one.
    severity = Hazard if source.published or not subject.traits.has_chat_template else Defect
    raise severity(
        f"A space is added after the special token {token}: {what}, because of {source.component}.",
        evidence=case(tokenizer, text, ids, component=source.component),
        fix=source.fix,
    )


def cause(tokenizer: Any) -> Cause:
    """The first rule that adds a space before a text, with its path in `tokenizer.json`."""
    backend = pipeline(tokenizer).backend
    if backend is None:
        component = "SentencePiece's add_dummy_prefix, which the slow tokenizer applies to each piece of a text"
        return Cause(component, "Set legacy to false in tokenizer_config.json, or use the fast tokenizer.")
    for path, step in [*steps("normalizer", backend.normalizer), *steps("pre_tokenizer", backend.pre_tokenizer)]:
        if found := adds_space(path, component_state(step)):
            return found
    return Cause(
        " and ".join(sorted(component_types(backend.pre_tokenizer) - {"Sequence"})) or "the model", REMOVE_RULE
    )


def adds_space(path: str, rule: dict[str, Any]) -> Cause | None:
    match rule.get("type"):
        case "Prepend":
            return Cause(
                f"the normalizer Prepend {rule['prepend']!r} ({path}), SentencePiece's dummy prefix in its legacy form",
                'Replace the normalizers Prepend and Replace by a Metaspace pre-tokenizer with prepend_scheme "first" '
                "and split false, and set legacy to false in tokenizer_config.json; only if the model was trained so.",
            )
        case "Metaspace" if rule.get("prepend_scheme") == "always":
            return Cause(
                f'prepend_scheme "always" of the Metaspace pre-tokenizer ({path})',
                'Set prepend_scheme to "first" in tokenizer.json and legacy to false in tokenizer_config.json; only '
                "if the model was trained so.",
            )
        case "ByteLevel" if rule.get("add_prefix_space"):
            return Cause(
                f"add_prefix_space: true of the ByteLevel pre-tokenizer ({path})",
                "Set add_prefix_space to false in tokenizer.json and tokenizer_config.json.",
                published=False,
            )
    return None
