from __future__ import annotations

import re

from fixtures.inputs.conversation_strategy import Conversation
from fixtures.references.chat.coverage import covers
from fixtures.references.chat.recognition import Recognised, pairs, squeezed
from fixtures.references.chat.template_renders import CONVERSATIONS, INSTRUCTED, TemplateRenders
from fixtures.templates.chat import Chat, Message
from suites.chat_templates.generated_conversations import Generated, features_of, render, simplest
from suites.chat_templates.references.deviation import Deviation, deviation, evidence, family_of, template_renders
from suites.findings import Defect, Hazard, Record


def test_agrees_with_family_reference(chat: Chat, record: Record, generated_conversations: Generated) -> None:
    """Conversations render as the published format of the template's family has them, token for token.

    Why: a model answers best on the very text that it was trained on; a space, a newline or a role's name that is
        off costs quality and is seen nowhere.
    Fix: Write the control tokens and the white space around them as the format's source shows, or take the template
        that the vendor publishes now.
    Source: https://huggingface.co/docs/transformers/chat_templating;
        https://github.com/huggingface/transformers/pull/26891;
        https://docs.mistral.ai/cookbook/concept-deep-dive-tokenization-templates
    """
    found = family_of(chat)
    variants = found and {"format": found.family.source, "variants": found.style.described()}
    record.capability("chat.format", found.family.name if found else "unknown", evidence=variants)
    if found:
        fixed(chat, found)
        generated(chat, found, generated_conversations)
        tell_quirks(found)


def fixed(chat: Chat, found: Recognised) -> None:
    """The conversations that have names; a system message that is never shown is told by the capabilities."""
    __tracebackhide__ = True
    template = template_renders(chat)
    for name, prompt, text in pairs(found, template):
        seen = deviation(found, CONVERSATIONS[name], text, prompt=prompt)
        if seen and (not seen.loses_system or _shows_system(template)):
            raise finding(found, name, CONVERSATIONS[name], seen, prompt=prompt)


def generated(chat: Chat, found: Recognised, generated_conversations: Generated) -> None:
    """The conversations of the generated conversations, as far as the reference covers them."""
    __tracebackhide__ = True

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
            raise finding(found, "a generated conversation", conversation.messages, seen, prompt=False)


def finding(found: Recognised, name: str, messages: list[Message], seen: Deviation, *, prompt: bool) -> Defect | Hazard:
    kind = severity(found, messages, seen)
    return kind(summary(found, name, seen), evidence=evidence(found, name, messages, seen, prompt=prompt),
                remedy=f"Write {seen.part} as {found.family.source} shows it.")  # fmt: skip


def _shows_system(template: TemplateRenders) -> bool:
    system = str(CONVERSATIONS[INSTRUCTED][0]["content"])
    return system in template.text_of(INSTRUCTED, prompt=True)


def severity(found: Recognised, messages: list[Message], seen: Deviation) -> type[Defect] | type[Hazard]:
    """A vocabulary with the family's control tokens claims the vendor's format; others only look like it.

    White space beside a system message is each fine-tuner's own, and so is its place where the format has none.
    """
    spaces = "system" in seen.part and squeezed(seen.actual) == squeezed(seen.expected)
    misplaced = messages[0]["role"] == "system" and not found.family.system
    return Defect if found.claimed and not (spaces or misplaced or seen.loses_system) else Hazard


def summary(found: Recognised, name: str, seen: Deviation) -> str:
    """One sentence that names the part of the format, with both texts."""
    if seen.loses_system:
        return (f"The system message is dropped from the conversation {name!r}, though it is shown before a question "
                f"alone, as the {found.family.name} format always does.")  # fmt: skip
    expected, actual = seen.shown
    where = f"{seen.part[0].upper()}{seen.part[1:]}"
    return f"{where} is not that of the {found.family.name} format: {actual!r} instead of {expected!r}, in {name}."


def tell_quirks(found: Recognised) -> None:
    """Variants that were published, and that the vendor's own encoder or documentation contradicts."""
    __tracebackhide__ = True
    for quirk in found.family.quirks:
        value = found.style.options.get(quirk.of) or getattr(found.style, quirk.of or "bos", None) or ""
        if not quirk.of or re.fullmatch(quirk.like, value):
            raise Hazard(f"{quirk.summary.format(value=value)}.",
                         evidence={"family": found.family.name, "written": value, "part": quirk.of.replace("_", " "),
                                   "source": quirk.source, "learned variants": found.style.described()},
                         remedy=f"Write this part as the vendor documents it: {quirk.source}.")  # fmt: skip
