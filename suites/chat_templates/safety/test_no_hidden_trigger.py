from __future__ import annotations

from fixtures.sandbox.inspection import LIMITS, Inspection
from fixtures.templates.chat import Chat
from suites.chat_templates.differences import links
from suites.chat_templates.evidence import shown
from suites.chat_templates.safety import hidden_conditions
from suites.chat_templates.safety.conversation_shapes import NEEDLES, RESULT
from suites.chat_templates.safety.template_names import inspections, templates
from suites.chat_templates.safety.triggers import Reaction, RunsAway, reactions
from suites.findings import Defect, Finding, Hazard, Record

REMEDY = (
    "Do not use this template: take it from the model's own publisher, compare the two, and report the copy where it "
    "was found."
)
HINT = "Put hints about a failed tool into the tool's result, where they belong; the words occur in good results too."


def test_no_hidden_trigger(chat: Chat, record: Record) -> None:
    """No word in a message makes the template add text of its own or drop another message; documented switches and
    tags aside.

    Why: a template sees every message; one that waits for a word can put instructions or a link before the model
        that no user, developer or reviewer of transcripts ever sees, with weights that are untouched.
    Fix: Take the template from the model's own publisher; switches belong in template variables.
    Source: https://arxiv.org/abs/2602.04653 (Inference-Time Backdoors via Hidden Instructions in LLM Chat Templates);
        https://github.com/CycloneDX/specification/issues/862
    """
    switches: list[str] = []
    for name, found in inspections(chat).items():
        if not found.exceeded_limit:  # else told by chat_templates/bounded
            refuse_moments(name, found, hidden_conditions.by_clock(templates(chat)[name], found))
            switches += [each.said.word.strip()[:60] for each in harmless(chat, name, found)]
    record.capability("chat.content_triggers", ", ".join(dict.fromkeys(switches)) or "none")


def harmless(chat: Chat, name: str, found: Inspection) -> list[Reaction]:
    """What the template does on words that it may do."""
    __tracebackhide__ = True
    try:
        told = reactions(templates(chat)[name], found.facts, parts=chat.wants_parts)
    except RunsAway as away:
        found.exceeded_limit = away.limit
        raise Defect(f"{name} does not end well when a message holds {away.word[:80]!r}: {LIMITS[away.limit]}.",
                     evidence={"word": away.word, "limit": away.limit}, remedy=REMEDY) from None  # fmt: skip
    if hidden := next((each for each in told if each.hidden), None):
        raise finding(name, hidden)
    return told


def refuse_moments(name: str, found: Inspection, by_clock: tuple[str, str] | None) -> None:
    """Text that appears by the clock, or late."""
    __tracebackhide__ = True
    late = hidden_conditions.by_length(found)
    if by_clock or late:
        when, text = by_clock or late or ("", "")
        moment = f"on {when}" if by_clock else f"in {when}"
        raise Defect(f"{name} adds text that nobody wrote {moment} and not at other times: {clipped(text)!r}.",
                     evidence={"when": when, "added": text}, remedy=REMEDY)  # fmt: skip


def finding(name: str, found: Reaction) -> Finding:
    """A hint that a tool's result brings about is meant well, and goes wrong; all else is an attack until shown."""
    evidence = {"word": found.said.word, "in": found.by, "added": found.added, "dropped": NEEDLES.get(found.dropped),
                "render": shown(found.render)}  # fmt: skip
    if found.by == NEEDLES[RESULT] and not found.link:
        return Hazard(f"{name} {what_it_does(found)}.", evidence=evidence, remedy=HINT)
    return Defect(f"{name} {what_it_does(found)}.", evidence=evidence, remedy=REMEDY)


def what_it_does(found: Reaction) -> str:
    when = f"when {found.by or 'a message'} holds {found.said.word[:80]!r}"
    if found.added:
        return f"adds {'a link' if found.link else 'text'} that nobody wrote {when}: {clipped(found.added)!r}"
    return f"drops {NEEDLES[found.dropped]} {when}"


def clipped(text: str) -> str:
    """The text, or its link and what stands around it."""
    found = links(text)
    start = max(0, text.index(found[0]) - 60) if found else 0
    return text[start : start + 160].strip()
