from __future__ import annotations

from fixtures.sandbox.inspection import LIMITS, Inspection
from fixtures.session.uses import uses
from fixtures.templates.chat import Chat
from suites.chat_templates.differences import links
from suites.chat_templates.evidence import shown
from suites.chat_templates.safety import hidden_conditions
from suites.chat_templates.safety.conversation_shapes import NEEDLES, RESULT
from suites.chat_templates.safety.triggers import Reaction, RunsAway, reactions
from suites.chat_templates.template_names import inspections, templates
from suites.findings import Defect, Finding, Hazard, Record

REMEDY = (
    "Do not use this template: take it from the model's publisher, compare the two, and report the copy where it was "
    "found."
)
HINT_REMEDY = "Put hints about a failed tool into the tool's result: these words also occur in successful results."


@uses("chat", "serving")
def test_no_hidden_trigger(chat: Chat, record: Record) -> None:
    """No word in a message makes the template add text of its own or drop another message.

    Why: such a trigger can give the model instructions or a link that no user, developer or reviewer of transcripts
        sees, without any change to the weights. Documented switches and tags are allowed.
    Fix: Take the template from the model's publisher; use template variables for switches.
    Source: https://arxiv.org/abs/2602.04653 (Inference-Time Backdoors via Hidden Instructions in LLM Chat Templates);
        https://github.com/CycloneDX/specification/issues/862
    """
    switches: list[str] = []
    for name, found in inspections(chat).items():
        if not found.exceeded_limit:  # else reported by chat_templates/bounded
            check_conditions(name, found, hidden_conditions.by_clock(templates(chat)[name], found))
            switches += [each.planted.word.strip()[:60] for each in harmless_reactions(chat, name, found)]
    record.capability("chat.content_triggers", ", ".join(dict.fromkeys(switches)) or "none")


def harmless_reactions(chat: Chat, name: str, found: Inspection) -> list[Reaction]:
    """Allowed reactions of the template to words; raises a finding for others."""
    __tracebackhide__ = True
    try:
        found_reactions = reactions(templates(chat)[name], found.facts, parts=chat.wants_parts)
    except RunsAway as away:
        found.exceeded_limit = away.limit
        summary = f"{name} exceeds a limit when a message contains {away.word[:80]!r}: {LIMITS[away.limit]}."
        raise Defect(summary, evidence={"word": away.word, "limit": away.limit}, fix=REMEDY) from None
    if hidden := next((each for each in found_reactions if each.hidden), None):
        raise finding(name, hidden)
    return found_reactions


def check_conditions(name: str, found: Inspection, by_clock: tuple[str, str] | None) -> None:
    """Raises Defect for text that the template adds on some days, or only to long conversations or messages."""
    __tracebackhide__ = True
    by_length = hidden_conditions.by_length(found)
    if by_clock or by_length:
        when, text = by_clock or by_length or ("", "")
        condition = f"on {when}" if by_clock else f"in {when}"
        summary = f"{name} adds text of its own only {condition}: {clipped(text)!r}."
        raise Defect(summary, evidence={"when": when, "added": text}, fix=REMEDY)


def finding(name: str, found: Reaction) -> Finding:
    """Hazard for a hint after a tool's result, which is meant to help; Defect for anything else, a possible attack."""
    evidence = {
        "word": found.planted.word,
        "in": found.by,
        "added": found.added,
        "dropped": NEEDLES.get(found.dropped),
        "render": shown(found.render),
    }
    if found.by == NEEDLES[RESULT] and not found.link:
        return Hazard(f"{name} {effect(found)}.", evidence=evidence, fix=HINT_REMEDY)
    return Defect(f"{name} {effect(found)}.", evidence=evidence, fix=REMEDY)


def effect(found: Reaction) -> str:
    when = f"when {found.by or 'a message'} contains {found.planted.word[:80]!r}"
    if found.added:
        return f"adds {'a link' if found.link else 'text'} of its own {when}: {clipped(found.added)!r}"
    return f"drops {NEEDLES[found.dropped]} {when}"


def clipped(text: str) -> str:
    """The beginning of the text, or its first link with the text around it."""
    found = links(text)
    start = max(0, text.index(found[0]) - 60) if found else 0
    return text[start : start + 160].strip()
