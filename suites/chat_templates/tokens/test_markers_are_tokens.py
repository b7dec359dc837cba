from __future__ import annotations

from typing import Any

from fixtures.session.uses import uses
from fixtures.templates.chat import Chat
from suites.chat_templates.affected import caught, narrowed, raise_by_use
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


@uses("chat", "tools")
def test_markers_are_tokens(tokenizer: Any, chat: Chat, record: Record) -> None:
    """A control marker that is one token of the vocabulary is encoded as this token wherever the template writes it.

    Why: a marker in pieces is text that the model was not trained on, so it confuses roles and does not stop. Markers
        without a token, such as Llama 2's [INST], are plain text by design and only recorded.
    Fix: Add the marker to added_tokens as special, spelled as in the template, with single_word and
        split_special_tokens off.
    Source: https://huggingface.co/docs/transformers/chat_templating_writing;
        https://github.com/ggml-org/llama.cpp/issues/3475
    """
    found, of_chats = markers(chat, TURNS + WITH_TOOLS), markers(chat)
    raise_by_use(
        narrowed(finding, ("chat",) if name in of_chats else ("tools",))
        for name, marker in found.items()
        for finding in [*caught(check_alone, tokenizer, marker), *caught(check_in_context, tokenizer, chat, marker)]
    )
    plain = [marker.text for marker in found.values() if not marker.whole]
    record.capability("chat.plain_text_markers", " ".join(plain) or "none")
    check_partners(tokenizer, of_chats)


def check_alone(tokenizer: Any, marker: Marker) -> None:
    """Raises Defect for a marker in pieces that the vocabulary has as a token, perhaps in another spelling."""
    __tracebackhide__ = True
    if tokenizer.unk_token_id in marker.ids:
        summary = f"The marker {marker.text} of the template becomes {tokenizer.unk_token}, so the model cannot see it."
        raise Defect(summary, evidence=evidence(tokenizer, marker))
    if marker.whole:
        return
    number = tokenizer.convert_tokens_to_ids(marker.text)
    if number is not None and tokens(tokenizer, [number]) == [marker.text]:
        summary = f"{marker.text} has the id {number}, but is encoded as {len(marker.ids)} pieces in the template."
        raise Defect(summary, evidence=evidence(tokenizer, marker))
    if twin := misspelt(tokenizer, marker):
        raise Defect(
            f"The template writes {marker.text}, which is encoded as {len(marker.ids)} pieces; the token is {twin}.",
            evidence=evidence(tokenizer, marker),
            fix=f"Write {twin} in the template.",
        )


def misspelt(tokenizer: Any, marker: Marker) -> str | None:
    """The only control token that differs from the marker just in case, bars, spaces or underscores."""
    added = [token.content for token in tokenizer.added_tokens_decoder.values() if SHAPE.fullmatch(token.content)]
    alike = [
        each
        for each in added
        if loose_spelling(each) == loose_spelling(marker.text) and each not in partners(marker.text)
    ]
    return alike[0] if len(alike) == 1 else None


def check_in_context(tokenizer: Any, chat: Chat, marker: Marker) -> None:
    """Raises Defect for a marker that is one token alone, but not in the text of the template."""
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
            f"{marker.text} is one token alone, but is encoded as several pieces next to the text around it in the "
            f"template{f' ({cause} is set)' if cause else ''}.",
            evidence=evidence(tokenizer, marker) | {"written": written, "found": ids.count(marker.ids[0])},
            fix=f"Set {cause} to false for {marker.text} in added_tokens." if cause else None,
        )


def check_partners(tokenizer: Any, found: dict[str, Marker]) -> None:
    """Raises Hazard for a marker in pieces if its other half, or the markers of other roles, are tokens."""
    __tracebackhide__ = True
    added = {token.content for token in tokenizer.added_tokens_decoder.values()}
    for marker in found.values():
        other_roles = markers_of_other_roles(marker.text)
        known = [each for each in partners(marker.text) if each in added]
        known += other_roles if other_roles and added.issuperset(other_roles) else []
        if known and not marker.whole:
            raise Hazard(
                f"{marker.text} is encoded as {len(marker.ids)} pieces, but {' and '.join(known)} as one token: the "
                "vocabulary lacks one of the markers.",
                evidence=evidence(tokenizer, marker),
            )


def evidence(tokenizer: Any, marker: Marker) -> dict[str, Any]:
    return {
        "marker": marker.text,
        "ids": marker.ids,
        "tokens": tokens(tokenizer, marker.ids),
        "render": shown(marker.render, limit=240),
    }
