from __future__ import annotations

import re
from collections.abc import Iterator

from fixtures.inputs.conversation_strategy import Conversation
from fixtures.references.chat.coverage import covers
from fixtures.references.chat.recognition import Recognised, pairs, squeezed
from fixtures.references.chat.template_renders import CONVERSATIONS, INSTRUCTED, TemplateRenders
from fixtures.session.uses import uses
from fixtures.templates.chat import Chat, Message
from suites.chat_templates.affected import raise_by_use, uses_of
from suites.chat_templates.generated_conversations import Generated, features_of, render, simplest
from suites.chat_templates.references.deviation import Deviation, deviation, evidence, family_of, template_renders
from suites.findings import Defect, Finding, Hazard, NotApplicable, Record


@uses("chat", "system")
def test_agrees_with_family_reference(assistant_chat: Chat, record: Record, generated_conversations: Generated) -> None:
    """Conversations render exactly as the published format of the template's family specifies.

    Why: a model answers best on exactly the text that it was trained on; a wrong space, line break or role name
        silently costs quality.
    Fix: Write the control tokens and the white space around them as the format's source shows, or use the template that
        the vendor publishes now.
    Source: https://huggingface.co/docs/transformers/chat_templating;
        https://github.com/huggingface/transformers/pull/26891;
        https://docs.mistral.ai/cookbook/concept-deep-dive-tokenization-templates
    """
    chat = assistant_chat
    found = family_of(chat)
    variants = found and {"format": found.family.source, "variants": found.style.described()}
    record.capability("chat.format", found.family.name if found else "unknown", evidence=variants)
    if not found:
        raise NotApplicable("the template is of no family whose format has been published")
    record.tested("chat", *["system"] * features_of(chat).system)
    raise_by_use([*named(chat, found), *generated(chat, found, generated_conversations), *quirks(found)])


def named(chat: Chat, found: Recognised) -> Iterator[Finding]:
    """Findings in the named conversations; the capabilities record a system message that is never rendered."""
    template = template_renders(chat)
    for name, prompt, text in pairs(found, template):
        seen = deviation(found, CONVERSATIONS[name], text, prompt=prompt)
        if seen and (not seen.loses_system or _shows_system(template)):
            yield finding(found, name, CONVERSATIONS[name], seen, prompt=prompt)


def generated(chat: Chat, found: Recognised, generated_conversations: Generated) -> Iterator[Finding]:
    """A finding in the generated conversations that the reference covers."""

    def wrong(conversation: Conversation, text: str) -> bool:
        seen = deviation(found, conversation.messages, text, prompt=False)
        return seen is not None and not seen.loses_system

    for conversation in (
        each
        for each in generated_conversations(features_of(chat))
        if not each.tools and covers(each.messages, prompt=False)
    ):
        text = render(chat, conversation)
        if text is not None and wrong(conversation, text):
            conversation, text = simplest(chat, conversation, wrong)
            seen = deviation(found, conversation.messages, text, prompt=False)
            assert seen
            yield finding(found, "a generated conversation", conversation.messages, seen, prompt=False)
            return


def finding(found: Recognised, name: str, messages: list[Message], seen: Deviation, *, prompt: bool) -> Defect | Hazard:
    kind = severity(found, messages, seen)
    return kind(
        summary(found, name, seen),
        evidence=evidence(found, name, messages, seen, prompt=prompt),
        fix=f"Write {seen.part} as {found.family.source} shows it.",
        uses=("system",) if seen.loses_system or "system" in seen.part else uses_of(messages),
    )


def _shows_system(template: TemplateRenders) -> bool:
    system = str(CONVERSATIONS[INSTRUCTED][0]["content"])
    return system in template.text_of(INSTRUCTED, prompt=True)


def severity(found: Recognised, messages: list[Message], seen: Deviation) -> type[Defect] | type[Hazard]:
    """Defect if the vocabulary has the family's control tokens and so claims the vendor's format, else Hazard.

    White space next to a system message, and its position if the format has none, are a choice of each fine-tuner.
    """
    spaces = "system" in seen.part and squeezed(seen.actual) == squeezed(seen.expected)
    misplaced = messages[0]["role"] == "system" and not found.family.system
    return Defect if found.claimed and not (spaces or misplaced or seen.loses_system) else Hazard


def summary(found: Recognised, name: str, seen: Deviation) -> str:
    """One sentence that names the part of the format, with both texts."""
    if seen.loses_system:
        return (
            f"The system message is dropped from the conversation {name!r}; the {found.family.name} format always "
            "contains it, and the template renders it before a single question."
        )
    expected, actual = seen.shown
    part = f"{seen.part[0].upper()}{seen.part[1:]}"
    return f"{part} differs from the {found.family.name} format in {name}: {actual!r} instead of {expected!r}."


def quirks(found: Recognised) -> Iterator[Finding]:
    """A hazard for a published variant that contradicts the vendor's own encoder or documentation."""
    for quirk in found.family.quirks:
        value = found.style.options.get(quirk.of) or getattr(found.style, quirk.of or "bos", None) or ""
        if not quirk.of or re.fullmatch(quirk.like, value):
            yield Hazard(
                f"{quirk.summary.format(value=value)}.",
                evidence={
                    "family": found.family.name,
                    "written": value,
                    "part": quirk.of.replace("_", " "),
                    "source": quirk.source,
                    "learned variants": found.style.described(),
                },
                fix=f"Write this part as the vendor documents it: {quirk.source}.",
                uses=("chat",),
            )
