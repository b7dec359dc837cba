from __future__ import annotations

import re
from collections.abc import Iterator

from fixtures.references.chat.tool_format import Mismatch, Offer, RecognisedTools, covered, mismatch
from fixtures.session.uses import uses
from fixtures.templates.chat import Chat
from suites.chat_templates.evidence import shown
from suites.chat_templates.generated_conversations import Generated, features_of
from suites.chat_templates.probes import attempt
from suites.chat_templates.references.tool_conversations import complete, fixed_renders, tool_format_of
from suites.findings import Defect, Hazard, NotApplicable, Record

AROUND = 60
"""Characters shown on both sides of the first difference."""


@uses("tools")
def test_tools_agree_with_family_reference(
    assistant_chat: Chat, record: Record, generated_conversations: Generated
) -> None:
    """Offered tools, calls and results render in the format that the family's vendor has published.

    Why: a model calls tools in the format that it reads in the prompt; after a wrong key, tag or line break, parsers
        reject its calls.
    Fix: Write calls and results as the source of the format shows them, or use the template that the vendor publishes
        now.
    Source: https://github.com/QwenLM/Qwen-Agent/blob/main/qwen_agent/llm/fncall_prompts/nous_fncall_prompt.py;
        https://github.com/meta-llama/llama-models/blob/main/models/llama3_1/prompt_format.md;
        https://github.com/mistralai/mistral-common; https://github.com/openai/harmony/blob/main/docs/format.md
    """
    chat = assistant_chat
    tooling = tool_format_of(chat)
    variants = tooling and {"form": tooling.format.source, "variants": dict(tooling.options)}
    record.capability("chat.tool_format", tooling.format.name if tooling else "no reference", evidence=variants)
    if not tooling:
        raise NotApplicable("the template writes tools in no format that has been published")
    for name, (offer, text) in {**dict(fixed_renders(chat)), **dict(generated(chat, generated_conversations))}.items():
        parts = tooling.parts(offer)
        seen = mismatch(parts, text) if parts and complete(offer, text) else None
        if seen:
            raise finding(tooling, name, offer, text, seen)
    check_quirks(tooling)


def generated(chat: Chat, generated_conversations: Generated) -> Iterator[tuple[str, tuple[Offer, str]]]:
    """Generated conversations with tools that the reference covers, and their renders."""
    for number, each in enumerate(generated_conversations(features_of(chat))):
        messages, tools = each.messages, each.tools
        offer = Offer(messages, tools or [])
        if tools and covered(offer) and (text := attempt(chat, messages, tools=tools)[0]) is not None:
            yield f"generated conversation {number + 1}", (offer, text)


def finding(tooling: RecognisedTools, name: str, offer: Offer, text: str, seen: Mismatch) -> Defect | Hazard:
    """Defect if the vocabulary has the vendor's control tokens and so claims the format, else Hazard."""
    expected = seen.part.text or ""
    around = (
        expected[max(0, seen.same - AROUND) : seen.same + AROUND],
        text[seen.at + max(0, seen.same - AROUND) : seen.at + seen.same + AROUND],
    )
    kind, tool_format = Defect if tooling.found.claimed else Hazard, tooling.format
    return kind(
        f"{seen.part.label[0].upper()}{seen.part.label[1:]} differs from the tool format {tool_format.name} in {name}: "
        f"{around[1]!r} instead of {around[0]!r}.",
        evidence={
            "form": tool_format.name,
            "source": tool_format.source,
            "learned variants": dict(tooling.options),
            "messages": list(offer.messages),
            "add_generation_prompt": offer.prompt,
            "expected": shown(expected, limit=2000),
            "rendered": shown(text, limit=3000),
        },
        fix=f"Write {seen.part.label} as {tool_format.source} shows it.",
    )


def check_quirks(tooling: RecognisedTools) -> None:
    """Raises Hazard for a published variant that contradicts the vendor's own encoder or documentation."""
    __tracebackhide__ = True
    for quirk in tooling.format.quirks:
        if re.fullmatch(quirk.like, tooling.options[quirk.of]):
            raise Hazard(
                f"{quirk.summary}.",
                evidence={"form": tooling.format.name, "source": quirk.source, "variants": dict(tooling.options)},
                fix=f"Write this part as the vendor documents it: {quirk.source}.",
            )
