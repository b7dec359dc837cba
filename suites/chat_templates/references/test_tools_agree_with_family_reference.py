from __future__ import annotations

import re
from collections.abc import Iterator

from fixtures.references.chat.tool_format import Mismatch, Offer, RecognisedTools, covered, mismatch
from fixtures.templates.chat import Chat
from suites.chat_templates.evidence import shown
from suites.chat_templates.generated_conversations import Generated, features_of
from suites.chat_templates.probes import attempt
from suites.chat_templates.references.tool_conversations import complete, fixed_renders, form_of
from suites.findings import Defect, Hazard, Record

AROUND = 60
"""Characters shown on both sides of the first difference."""


def test_tools_agree_with_family_reference(chat: Chat, record: Record, generated_conversations: Generated) -> None:
    """Tools on offer, calls and results are rendered in the form that the family's vendor has published.

    Why: a model calls tools in the form that it reads in its history; a key, a tag or a line break that is off makes
        calls that no parser takes.
    Fix: Write calls and results as the form's source shows them, or take the template that the vendor publishes now.
    Source: https://github.com/QwenLM/Qwen-Agent/blob/main/qwen_agent/llm/fncall_prompts/nous_fncall_prompt.py;
        https://github.com/meta-llama/llama-models/blob/main/models/llama3_1/prompt_format.md;
        https://github.com/mistralai/mistral-common; https://github.com/openai/harmony/blob/main/docs/format.md
    """
    tooling = form_of(chat)
    told = tooling and {"form": tooling.format.source, "variants": dict(tooling.options)}
    record.capability("chat.tool_format", tooling.format.name if tooling else "no reference", evidence=told)
    if not tooling:
        return
    for name, (offer, text) in {**dict(fixed_renders(chat)), **dict(generated(chat, generated_conversations))}.items():
        parts = tooling.parts(offer)
        gone = mismatch(parts, text) if parts and complete(offer, text) else None
        if gone:
            raise finding(tooling, name, offer, text, gone)
    quirks(tooling)


def generated(chat: Chat, generated_conversations: Generated) -> Iterator[tuple[str, tuple[Offer, str]]]:
    """Conversations of the generated conversations, whose tools may be one or two."""
    for number, each in enumerate(generated_conversations(features_of(chat))):
        messages, tools = each.messages, each.tools
        offer = Offer(messages, tools or [])
        if tools and covered(offer) and (text := attempt(chat, messages, tools=tools)[0]) is not None:
            yield f"generated conversation {number + 1}", (offer, text)


def finding(tooling: RecognisedTools, name: str, offer: Offer, text: str, gone: Mismatch) -> Defect | Hazard:
    """Whose vocabulary has the vendor's control tokens claims the vendor's form; others only look like it."""
    expected = gone.part.text or ""
    around = (expected[max(0, gone.same - AROUND) : gone.same + AROUND],
              text[gone.at + max(0, gone.same - AROUND) : gone.at + gone.same + AROUND])  # fmt: skip
    kind, form = Defect if tooling.found.claimed else Hazard, tooling.format
    return kind(
        f"{gone.part.label[0].upper()}{gone.part.label[1:]} is not in {form.name} form: {around[1]!r} instead "
        f"of {around[0]!r}, in {name}.",
        evidence={"form": form.name, "source": form.source, "learned variants": dict(tooling.options),
                  "messages": list(offer.messages), "add_generation_prompt": offer.prompt,
                  "expected": shown(expected, limit=2000), "rendered": shown(text, limit=3000)},
        remedy=f"Write {gone.part.label} as {form.source} shows it.",
    )  # fmt: skip


def quirks(tooling: RecognisedTools) -> None:
    """Variants that were published, and that the vendor's own encoder or documentation contradicts."""
    __tracebackhide__ = True
    for quirk in tooling.format.quirks:
        if re.fullmatch(quirk.like, tooling.options[quirk.of]):
            raise Hazard(
                f"{quirk.summary}.",
                evidence={"form": tooling.format.name, "source": quirk.source, "variants": dict(tooling.options)},
                remedy=f"Write this part as the vendor documents it: {quirk.source}.",
            )
