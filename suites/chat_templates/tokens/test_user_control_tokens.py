from __future__ import annotations

import inspect
from typing import Any

from fixtures.inputs.conversations import PLAIN, user
from fixtures.templates.chat import NEEDLE, Chat, TemplateFails
from suites.chat_templates.evidence import rendered
from suites.chat_templates.tokens.markers import emitted
from suites.findings import Defect, Hazard, Record

SWITCH = "sanitize_control_tokens"
"""The switch of apply_chat_template; transformers 4 has none."""


def test_user_control_tokens(tokenizer: Any, chat: Chat, record: Record) -> None:
    """Asked to protect, the template path gives as many control tokens whatever the user types.

    Why: a user who types the end-of-turn token ends the turn and speaks as the system, unless content is encoded as
        text. By default nearly every template lets that happen, which is recorded; asked for, protection must hold.
    Fix: Flag the tokens that the template writes as special, or list them in chat_control_tokens of
        tokenizer_config.json; else keep control tokens out of content.
    Source: https://github.com/huggingface/transformers/issues/29279;
        https://github.com/huggingface/transformers/pull/47386
    """
    rendered(chat, PLAIN["a question"])
    control = emitted(chat)
    if not control:
        record.capability("chat.user_control_tokens", "no control tokens")
        return
    typed = " ".join([NEEDLE, *control.values()])
    forged = more(chat, control, typed)
    record.capability("chat.user_control_tokens", default(forged, control), evidence=sorted(control.values()))
    record.capability("chat.split_special_tokens", splitting(chat, control))
    record.capability("chat.control_token_protection", protection(tokenizer, chat, control, typed))


def default(forged: list[str] | None, control: dict[int, str]) -> str:
    if forged is None:
        return "rejected"
    return (
        "kept as text"
        if not forged
        else "parsed as control tokens by default"
        + ("" if len(forged) == len(control) else f" (not all: {' '.join(forged)})")
    )


def more(chat: Chat, control: dict[int, str], typed: str, **options: Any) -> list[str] | None:
    """The control tokens of which there are more with the typed text than with harmless text; None if refused."""
    try:
        harmless, forged = (ids(chat, text, **options) for text in (NEEDLE, typed))
    except TemplateFails:
        return None
    return [text for number, text in control.items() if forged.count(number) > harmless.count(number)]


def ids(chat: Chat, content: str, **options: Any) -> list[int]:
    return chat.ids([user(content)], **options)


def splitting(chat: Chat, control: dict[int, str]) -> str:
    """What the older switch does, given by tokenizer_kwargs: it cannot tell the template's tokens from the user's."""
    try:
        split = ids(chat, NEEDLE, tokenizer_kwargs={"split_special_tokens": True})
    except TemplateFails:
        return "refused"
    finally:
        chat.encode(NEEDLE)  # the backend keeps the switch until the next call
    kept = [text for number, text in control.items() if number in split]
    there = [text for number, text in control.items() if number in ids(chat, NEEDLE)]
    return "also splits the template's own tokens" if len(kept) < len(there) else "no effect"


def protection(tokenizer: Any, chat: Chat, control: dict[int, str], typed: str) -> str:
    """none, refused or the name of the switch that protects; raises where it is there and does not."""
    __tracebackhide__ = True
    if SWITCH not in inspect.signature(tokenizer.apply_chat_template).parameters:
        return "none"
    forged = more(chat, control, typed, **{SWITCH: True})
    if forged is None:
        return "refused"
    if forged:
        raise Defect(
            f"With {SWITCH}, {' and '.join(forged)} in a user's message still becomes the control token: not flagged "
            "special, and not spelled out in the template.",
            evidence={"content": typed, "forged": forged, "control tokens": sorted(control.values())},
        )
    if ids(chat, NEEDLE, **{SWITCH: True}) != ids(chat, NEEDLE):
        raise Hazard(f"{SWITCH} changes the ids of a message that holds no control token.",
                     evidence={"content": NEEDLE, "default": ids(chat, NEEDLE),
                               "protected": ids(chat, NEEDLE, **{SWITCH: True})})  # fmt: skip
    return SWITCH
