"""Snapshot of a tokenizer, to compare with one that is loaded from another path or from a saved copy."""

from __future__ import annotations

from typing import Any

from fixtures.inputs.texts import TRICKY_TEXTS
from fixtures.text.differences import first_difference
from suites.evidence import escaped, tokens
from suites.tokenizers.encoding import panics_as_errors
from suites.tokenizers.files.class_overrides import COMPONENTS, override_clause
from suites.tokenizers.special import special_tokens

FLAGS = ("special", "lstrip", "rstrip", "single_word", "normalized")
SETTINGS = ("model_max_length", "padding_side", "truncation_side", "chat_template", "split_special_tokens")
SPECIAL_TOKENS_TRIED = 24


def snapshot(tokenizer: Any) -> dict[str, dict[str, Any]]:
    """Added tokens, named tokens, ids of fixed texts, and settings; causes come before effects."""
    return {
        "added tokens": {
            token.content: (number, {flag: getattr(token, flag) for flag in FLAGS})
            for number, token in tokenizer.added_tokens_decoder.items()
        },
        "named tokens": {
            name: str(token)
            for name, token in tokenizer.special_tokens_map.items()
            if not isinstance(token, (list, dict))
        },
        "ids": {text: ids(tokenizer, text) for text in fixed_texts(tokenizer)},
        "settings": {name: getattr(tokenizer, name, None) for name in SETTINGS},
    }


def fixed_texts(tokenizer: Any) -> list[str]:
    """The catalogue of tricky texts, and texts with special tokens."""
    return [
        *TRICKY_TEXTS.values(),
        *(f"ab {token} cd{token}ef" for token in list(special_tokens(tokenizer))[:SPECIAL_TOKENS_TRIED]),
    ]


def ids(tokenizer: Any, text: str) -> list[int] | str:
    """Ids with added tokens; for a text that cannot be encoded, which `round-trip` reports, the exception's name."""
    try:
        with panics_as_errors():
            return list(tokenizer(text)["input_ids"])
    except Exception as error:
        return f"{type(error).__name__}"


def first_change(before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]) -> tuple[str, str] | None:
    """The first part that differs, and the entry in it."""
    for part, entries in before.items():
        for name in {**entries, **after[part]}:
            if entries.get(name) != after[part].get(name):
                return part, name
    return None


def replaced_components(tokenizer: Any, original: Any) -> str:
    """A clause that names the components in which two tokenizers differ; empty if none is known."""
    if not getattr(tokenizer, "backend_tokenizer", None) or not getattr(original, "backend_tokenizer", None):
        return ""
    clause = override_clause(tokenizer, original.backend_tokenizer, COMPONENTS, other="the original")
    return f": {clause}" if clause else ""


def change_evidence(
    before: dict[str, Any], after: dict[str, Any], part: str, name: str, tokenizer: Any
) -> dict[str, Any]:
    """Evidence about the entry that differs."""
    was, now = before[part].get(name), after[part].get(name)
    evidence: dict[str, Any] = {"part": part, "entry": escaped(name, limit=200), "before": was, "after": now}
    if part == "ids" and isinstance(was, list) and isinstance(now, list):
        where = first_difference(was, now)
        evidence |= {
            "first difference": where,
            "tokens before": tokens(tokenizer, was[where : where + 6]),
            "tokens after": tokens(tokenizer, now[where : where + 6]),
            "before": was[:60],
            "after": now[:60],
        }
    if part == "settings" and name == "chat_template":
        evidence |= {"before": escaped(str(was)), "after": escaped(str(now))}
    return evidence


def change_clause(part: str, name: str, was: Any, now: Any) -> str:
    """The difference as a clause of a summary."""
    match part:
        case "ids":
            return f"{escaped(name, limit=40)} has other ids"
        case "added tokens" if was is None or now is None:
            return f"the added token {name} is {'new' if was is None else 'gone'}"
        case "added tokens":
            return f"the added token {name} has {flags(was, now)}"
        case "settings" if name == "chat_template":
            return "the chat template differs"
        case _:
            return f"{name} is {now} instead of {was}"


def flags(was: Any, now: Any) -> str:
    if was[0] != now[0]:
        return f"id {now[0]} instead of {was[0]}"
    return ", ".join(
        f"{flag} {now[1][flag]} instead of {was[1][flag]}" for flag in FLAGS if was[1][flag] != now[1][flag]
    )
