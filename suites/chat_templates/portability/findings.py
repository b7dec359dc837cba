"""Findings about differences between template engines."""

from __future__ import annotations

from fixtures.templates.chat import Chat
from suites.chat_templates.evidence import shown
from suites.chat_templates.portability.comparison import Difference
from suites.chat_templates.portability.engines import Engine
from suites.findings import Hazard

KNOWN_FIXES = {
    "unknown statement generation": "Write {% generation %} and {% endgeneration %} without hyphens: the tags mark "
    "text for training and print nothing, and servers remove them in this spelling only.",
    "length of value of type none": "Write {% if tools %}: in minijinja None is iterable, so that `tools is iterable "
    "and tools | length` fails where there are no tools.",
    "token: / of": "Write (a / b) | int instead of a // b, which llama.cpp does not parse.",
    "statement: raw": "Print the text as a string literal instead of {% raw %}.",
}


def hazard(chat: Chat, engine: Engine, found: Difference) -> Hazard:
    """The finding, with the line and its constructs, both texts, and a fix if one is known."""
    where = f"line {found.line}" if found.line else "an unknown line of the template"
    source = chat.template.splitlines()[found.line - 1].strip() if found.line else ""
    uses = f" ({', '.join(found.constructs[:4])})" if found.constructs else ""
    failed = found.other.failed or ""
    return Hazard(
        f"{engine.name} {difference_clause(found)}, because of {where}{uses}.",
        evidence={
            "engine": engine.name,
            "used by": engine.used_by,
            "conversation": found.conversation,
            "line": shown(source, limit=300),
            "failure": failed or found.other.refused,
            "jinja": around(found.jinja, found.start),
            "other": around(found.other.text or "", found.start),
        },
        fix=next((fix for words, fix in KNOWN_FIXES.items() if words in failed), None),
    )


def difference_clause(found: Difference) -> str:
    if found.other.failed:
        return f"cannot render {found.conversation} ({found.other.failed!r})"
    if found.other.text is None:
        return f"refuses {found.conversation} with {found.other.refused!r}, but Jinja renders it"
    if not found.jinja:
        return f"renders {found.conversation}, but Jinja refuses it"
    one, other = (text[found.start : found.start + 30] for text in (found.jinja, found.other.text))
    return f"renders {found.conversation} differently from Jinja, {other!a} instead of {one!a}"


def around(text: str, start: int) -> str:
    return text[max(0, start - 80) : start + 80]
