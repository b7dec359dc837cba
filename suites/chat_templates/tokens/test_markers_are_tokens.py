from __future__ import annotations

from typing import Any

from fixtures.templates.chat import Chat
from suites.chat_templates.evidence import encoded, shown
from suites.chat_templates.tokens.markers import (
    SHAPE,
    TURNS,
    WITH_TOOLS,
    Marker,
    loose_spelling,
    markers,
    markers_of_other_roles,
    partners,
)
from suites.evidence import tokens
from suites.findings import Defect, Hazard, Record


def test_markers_are_tokens(tokenizer: Any, chat: Chat, record: Record) -> None:
    """A control marker that the vocabulary has as one token is that token wherever the template writes it.

    Why: a marker in pieces is text that the model was never trained on: roles blur, and no answer ends at it.
        Markers that no token stands for, such as Llama 2's [INST], are plain text by design and only recorded.
    Fix: Add the marker to added_tokens as special, spelled as the template has it, with single_word and
        split_special_tokens off.
    Source: https://huggingface.co/docs/transformers/chat_templating_writing;
        https://github.com/ggml-org/llama.cpp/issues/3475
    """
    found = markers(chat, TURNS + WITH_TOOLS)
    for marker in found.values():
        in_pieces(tokenizer, marker)
        in_context(tokenizer, chat, marker)
    plain = [marker.text for marker in found.values() if not marker.whole]
    record.capability("chat.plain_text_markers", " ".join(plain) or "none")
    half_known(tokenizer, markers(chat))


def in_pieces(tokenizer: Any, marker: Marker) -> None:
    """A marker that falls into pieces, although the vocabulary has it, or has what it was meant to be."""
    __tracebackhide__ = True
    if tokenizer.unk_token_id in marker.ids:
        raise Defect(f"The template's {marker.text} becomes {tokenizer.unk_token}: the model cannot see it.",
                     evidence=shows(tokenizer, marker))  # fmt: skip
    if marker.whole:
        return
    number = tokenizer.convert_tokens_to_ids(marker.text)
    if number is not None and tokens(tokenizer, [number]) == [marker.text]:
        raise Defect(f"{marker.text} has the id {number}, and where the template writes it, it falls into "
                     f"{len(marker.ids)} pieces.", evidence=shows(tokenizer, marker))  # fmt: skip
    if twin := misspelt(tokenizer, marker):
        raise Defect(f"The template writes {marker.text}, which falls into {len(marker.ids)} pieces; the token is "
                     f"spelled {twin}.", evidence=shows(tokenizer, marker),
                     remedy=f"Write {twin} in the template.")  # fmt: skip


def misspelt(tokenizer: Any, marker: Marker) -> str | None:
    """The one control token that differs from the marker in case, bars, spaces or underscores only."""
    added = [token.content for token in tokenizer.added_tokens_decoder.values() if SHAPE.fullmatch(token.content)]
    alike = [
        each
        for each in added
        if loose_spelling(each) == loose_spelling(marker.text) and each not in partners(marker.text)
    ]
    return alike[0] if len(alike) == 1 else None


def in_context(tokenizer: Any, chat: Chat, marker: Marker) -> None:
    """A marker that is one token by itself, and not between what the template puts around it."""
    __tracebackhide__ = True
    added = tokenizer.added_tokens_decoder
    if not marker.whole or marker.ids[0] not in added:
        return
    written = SHAPE.findall(marker.render).count(marker.text)
    ids = encoded(chat, marker.render)
    if ids.count(marker.ids[0]) < written:
        flags = added[marker.ids[0]]
        cause = "single_word" if flags.single_word else "normalized" if flags.normalized else ""
        raise Defect(
            f"{marker.text} is one token by itself, and falls into pieces beside the text that the template puts "
            f"next to it{f' ({cause} is set)' if cause else ''}.",
            evidence=shows(tokenizer, marker) | {"written": written, "found": ids.count(marker.ids[0])},
            remedy=f"Set {cause} to false for {marker.text} in added_tokens." if cause else None,
        )


def half_known(tokenizer: Any, found: dict[str, Marker]) -> None:
    """A marker in pieces whose partner, or whose fellow roles, are tokens: the vocabulary lost one of them."""
    __tracebackhide__ = True
    added = {token.content for token in tokenizer.added_tokens_decoder.values()}
    for marker in found.values():
        fellows = markers_of_other_roles(marker.text)
        known = [each for each in partners(marker.text) if each in added]
        known += fellows if fellows and added.issuperset(fellows) else []
        if known and not marker.whole:
            raise Hazard(
                f"{marker.text} falls into {len(marker.ids)} pieces, while {' and '.join(known)} is one token: "
                "the vocabulary lacks one of them.",
                evidence=shows(tokenizer, marker),
            )


def shows(tokenizer: Any, marker: Marker) -> dict[str, Any]:
    return {"marker": marker.text, "ids": marker.ids, "tokens": tokens(tokenizer, marker.ids),
            "render": shown(marker.render, limit=240)}  # fmt: skip
