"""Promise: a template of a known family writes tools as that family does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from fixtures.inputs.conversations import INSTRUCTION
from fixtures.inputs.tools import ASK, CALL, CLOCK, REPLY, RESULT, THANKS, TWO_CALLS, TWO_RESULTS, WEATHER
from fixtures.references.chat.recognition import Recognised, alike, pairs
from fixtures.references.chat.speaker import CONVERSATIONS
from fixtures.references.chat.tool_forms import FORMS
from fixtures.references.chat.tooling import Departure, Offer, Spoken, as_json, calls_of, covered, departure, learn
from fixtures.subjects.chat import Chat, Message
from suites.chat_templates import probes_tools
from suites.chat_templates.evidence import shown
from suites.chat_templates.generated import Pool, shape_of
from suites.chat_templates.probes import attempt
from suites.chat_templates.references.deviation import family_of, speaker_of
from suites.findings import Defect, Hazard

FIXED: dict[str, list[Message]] = {
    "a call": [ASK, CALL],
    "a call and its result": [ASK, CALL, RESULT],
    "a call, its result and the reply": [ASK, CALL, RESULT, REPLY],
    "a question after a tool was used": [ASK, CALL, RESULT, REPLY, THANKS],
    "two calls and their results": [ASK, TWO_CALLS, *TWO_RESULTS, REPLY],
    "a result that is text": [ASK, CALL, TWO_RESULTS[0], REPLY],
    "a system message and a call": [INSTRUCTION, ASK, CALL, RESULT],
    "a question": [ASK],
}
TOOLS = [WEATHER, CLOCK]
AROUND = 60
"""Characters shown on both sides of the first difference."""


def test_tools_agree_with_family_reference(chat: Chat, record: Any, pool: Pool) -> None:
    """Tools on offer, calls and results are rendered in the form that the family's vendor has published.

    Why: a model calls tools in the form that it reads in its history; a key, a tag or a line break that is off makes
        calls that no parser takes.
    Fix: Write calls and results as the form's source shows them, or take the template that the vendor publishes now.
    Source: https://github.com/QwenLM/Qwen-Agent/blob/main/qwen_agent/llm/fncall_prompts/nous_fncall_prompt.py;
        https://github.com/meta-llama/llama-models/blob/main/models/llama3_1/prompt_format.md;
        https://github.com/mistralai/mistral-common; https://github.com/openai/harmony/blob/main/docs/format.md
    """
    found = family_of(chat)
    heard = dict(fixed(chat)) if found and probes_tools.shows_calls(chat) and follows(chat, found) else {}
    spoken = learn(found, list(heard.values()), FORMS) if found and heard else None
    told = spoken and {"form": spoken.form.source, "variants": dict(spoken.options)}
    record.capability("chat.tool_form", spoken.form.name if spoken else "no reference", evidence=told)
    if not spoken:
        return
    for name, (offer, text) in {**heard, **dict(generated(chat, pool))}.items():
        parts = spoken.parts(offer)
        gone = departure(parts, text) if parts and complete(offer, text) else None
        if gone:
            raise finding(spoken, name, offer, text, gone)
    quirks(spoken)


def follows(chat: Chat, found: Recognised) -> bool:
    """Whether conversations without tools agree with the family; else `agrees-with-family-reference` has told."""
    speaker = speaker_of(chat)
    alone = [(name, opens, text) for name, opens, text in pairs(found, speaker) if "system" not in name]
    return not found.style.opens and all(
        alike(found, CONVERSATIONS[name], text, opens=opens) for name, opens, text in alone
    )


def fixed(chat: Chat) -> Iterator[tuple[str, tuple[Offer, str]]]:
    for name, messages in FIXED.items():
        for opens in (False, True) if messages[-1]["role"] != "assistant" else (False,):
            text, _ = attempt(chat, messages, tools=TOOLS, add_generation_prompt=opens)
            if text is not None:
                yield f"{name}{' with a generation prompt' if opens else ''}", (Offer(messages, TOOLS, opens), text)


def generated(chat: Chat, pool: Pool) -> Iterator[tuple[str, tuple[Offer, str]]]:
    """Conversations of the pool, whose tools may be one or two."""
    for number, talk in enumerate(pool(shape_of(chat))):
        offer = Offer(talk.messages, talk.tools or [])
        if talk.tools and covered(offer) and (text := attempt(chat, talk.messages, tools=talk.tools)[0]) is not None:
            yield f"generated conversation {number + 1}", (offer, text)


def complete(offer: Offer, text: str) -> bool:
    """Whether everything that was said is there; what a template loses or changes is told by other checks."""
    said = [str(each["content"]) for each in offer.messages]
    called = [call for each in offer.messages for call in calls_of(each)]
    values = [value for call in called for value in (call["name"], *call["arguments"].values())]
    return all(any(form in text for form in forms(each)) for each in (*said, *values))


def forms(value: Any) -> tuple[str, ...]:
    """How a value may stand in a prompt: JSON with and without other letters than ASCII's, or text."""
    return tuple(each.removeprefix('"').removesuffix('"') for each in (str(value), as_json(value), json.dumps(value)))


def finding(spoken: Spoken, name: str, offer: Offer, text: str, gone: Departure) -> Defect | Hazard:
    """Whose vocabulary has the vendor's control tokens claims the vendor's form; others only look like it."""
    expected = gone.part.text or ""
    around = (expected[max(0, gone.same - AROUND) : gone.same + AROUND],
              text[gone.at + max(0, gone.same - AROUND) : gone.at + gone.same + AROUND])  # fmt: skip
    kind = Defect if spoken.found.claimed else Hazard
    return kind(
        f"{gone.part.label[0].upper()}{gone.part.label[1:]} is not in {spoken.form.name} form: {around[1]!r} instead "
        f"of {around[0]!r}, in {name}.",
        evidence={"form": spoken.form.name, "source": spoken.form.source, "learned variants": dict(spoken.options),
                  "messages": list(offer.messages), "add_generation_prompt": offer.opens,
                  "expected": shown(expected, limit=2000), "rendered": shown(text, limit=3000)},
        remedy=f"Write {gone.part.label} as {spoken.form.source} shows it.",
    )  # fmt: skip


def quirks(spoken: Spoken) -> None:
    """Variants that were published, and that the vendor's own encoder or documentation contradicts."""
    __tracebackhide__ = True
    for quirk in spoken.form.quirks:
        if re.fullmatch(quirk.like, spoken.options[quirk.of]):
            raise Hazard(f"{quirk.summary}.",
                         evidence={"form": spoken.form.name, "source": quirk.source, "variants": dict(spoken.options)},
                         remedy=f"Write this part as the vendor documents it: {quirk.source}.")  # fmt: skip
