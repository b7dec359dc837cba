"""How a difference between engines is told."""

from __future__ import annotations

from fixtures.templates.chat import Chat
from suites.chat_templates.evidence import shown
from suites.chat_templates.portability.comparison import Difference
from suites.chat_templates.portability.engines import Engine
from suites.findings import Hazard

# What is known to differ, by what the message or the line holds: the remedy.
KNOWN_REMEDIES = {
    "unknown statement generation": "Write {% generation %} and {% endgeneration %} without hyphens: they mark what "
    "training is on and print nothing, and servers that take them out know this spelling alone.",
    "length of value of type none": "Write {% if tools %}: in minijinja None is iterable, so that `tools is iterable "
    "and tools | length` fails where there are no tools.",
    "token: / of": "Write (a / b) | int instead of a // b, which llama.cpp does not parse.",
    "statement: raw": "Print the text as a string literal instead of {% raw %}.",
}


def hazard(chat: Chat, engine: Engine, found: Difference) -> Hazard:
    """The finding, with the line and what it uses, both texts, and what mends it where that is known."""
    where = f"line {found.line}" if found.line else "an unknown line"
    source = chat.template.splitlines()[found.line - 1].strip() if found.line else ""
    uses = f" ({', '.join(found.constructs[:4])})" if found.constructs else ""
    failed = found.other.failed or ""
    return Hazard(
        f"{engine.name} {difference_clause(found)}: {where}{uses}.",
        evidence={"engine": engine.name, "used by": engine.used_by, "conversation": found.conversation,
                  "line": shown(source, limit=300), "failure": failed or found.other.refused,
                  "jinja": around(found.jinja, found.start), "other": around(found.other.text or "", found.start)},
        remedy=next((remedy for words, remedy in KNOWN_REMEDIES.items() if words in failed), None),
    )  # fmt: skip


def difference_clause(found: Difference) -> str:
    if found.other.failed:
        return f"cannot render {found.conversation}, {found.other.failed!r}"
    if found.other.text is None:
        return f"refuses {found.conversation}, {found.other.refused!r}, which Jinja renders"
    if not found.jinja:
        return f"renders {found.conversation}, which Jinja refuses"
    one, other = (text[found.start : found.start + 30] for text in (found.jinja, found.other.text))
    return f"renders {found.conversation} otherwise, {other!a} instead of {one!a}"


def around(text: str, start: int) -> str:
    return text[max(0, start - 80) : start + 80]
