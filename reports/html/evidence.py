"""Evidence as HTML: every value pretty, every invisible code point written out, nothing trusted."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import TYPE_CHECKING, Any

from reports import wording
from reports.records import to_json

if TYPE_CHECKING:
    from markupsafe import Markup

VALUE = 3_000
"""Characters shown of one value; records.jsonl holds the rest."""

WIDTH = 100
"""Characters of JSON that stay on one line."""

TOTAL = 8_000
"""Characters shown of one finding's evidence."""

INDENTED = re.compile(r" +$|(?<=\S) {2,}(?=\S)", re.MULTILINE)
"""Spaces that matter in text whose lines we have indented."""
SPACES = re.compile(r"^ +| +$|(?<=\S) {2,}(?=\S)", re.MULTILINE)
LINK = re.compile(r"https?://[^\s<>\"'`⟨⟩]+[^\s<>\"'`⟨⟩.,;:!?)\]]")
CODE = re.compile(r"`([^`\n]+)`")


def items(evidence: Any) -> list[tuple[str, Markup]]:
    """Name and rendered value of each piece: what differs side by side, tokens in strips, the rest printed."""
    from reports.html import side_by_side  # here: it prints with this module

    evidence = to_json.plain(evidence)
    if not isinstance(evidence, dict):
        evidence = {"evidence": evidence} if evidence else {}
    drawn: dict[str, tuple[str, Markup | None]] = {}
    for names, picture in side_by_side.pieces(evidence):
        if not drawn.keys() & set(names):
            first = min(names, key=list(evidence).index)
            drawn |= {name: (" · ".join(names), picture if name == first else None) for name in names}
    shown, left = [], TOTAL
    for name, value in evidence.items():
        title, element = drawn.get(name) or (name, show(value, max(200, min(VALUE, left))))
        if element is not None:
            shown.append((title, element))
            left -= len(element)
    return shown


def show(value: Any, limit: int = VALUE) -> Markup:
    """One value: quoted code, a block of text, or indented JSON."""
    from markupsafe import Markup

    if isinstance(value, str):
        return (
            block(value, limit) if "\n" in value else Markup('<code class="str">{}</code>').format(marked(value, limit))
        )
    laid_out = rows(value)
    return (
        block(laid_out, limit, INDENTED)
        if "\n" in laid_out
        else Markup("<code>{}</code>").format(marked(laid_out, limit))
    )


def rows(value: Any, indent: str = "") -> str:
    """JSON that takes a line of its own only for what holds other lists or objects and is long."""
    flat = json.dumps(value, ensure_ascii=False)
    if len(flat) <= WIDTH or not any(isinstance(item, (dict, list)) for item in _inner(value)):
        return flat
    deeper = indent + "  "
    if isinstance(value, dict):
        lines = [f"{json.dumps(name, ensure_ascii=False)}: {rows(item, deeper)}" for name, item in value.items()]
    else:
        lines = [rows(item, deeper) for item in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n" + ",\n".join(deeper + line for line in lines) + f"\n{indent}{closing}"


def block(value: str, limit: int = VALUE, spaces: re.Pattern[str] = SPACES) -> Markup:
    """Text of several lines."""
    from markupsafe import Markup

    return Markup("<pre>{}</pre>").format(marked(value, limit, spaces))


def marked(value: str, limit: int = VALUE, spaces: re.Pattern[str] = SPACES) -> Markup:
    """The text with invisible characters and spaces that matter made visible."""
    from markupsafe import Markup, escape

    safe = str(escape(wording.clip(value, limit)))
    safe = wording.HIDDEN.sub(_named, spaces.sub(lambda match: f'<span class="sp">{match[0]}</span>', safe))
    return Markup(safe)


def prose(value: Any, limit: int = 2_000) -> Markup:
    """A sentence: `code` in backticks and addresses become elements, the rest is text."""
    from markupsafe import Markup, escape

    safe = str(escape(wording.clip(wording.visible(str(value)), limit)))
    safe = LINK.sub(lambda match: f'<a href="{match[0]}" rel="noopener noreferrer">{match[0]}</a>', safe)
    return Markup(CODE.sub(r"<code>\1</code>", safe))


def traceback(value: str, limit: int = 6_000) -> Markup:
    """The end of a traceback says most, its start where it came from."""
    if len(value) > limit:
        value = f"{value[: limit // 3]}\n … {len(value) - limit:,} characters left out …\n{value[-limit * 2 // 3 :]}"
    return block(value, 2 * limit)


def name(value: str) -> Markup:
    """An id or a path that may wrap after its underscores, dots and slashes."""
    from markupsafe import Markup, escape

    safe = str(escape(wording.visible(str(value))))
    return Markup('<code class="name">{}</code>').format(Markup(re.sub(r"(?<=\w)([_./-])(?=\w)", r"\1<wbr>", safe)))


def command(value: str) -> Markup:
    """A command line that wraps between its arguments, never inside `--option`."""
    from markupsafe import Markup

    arguments = wording.visible(str(value)).split(" ")
    return Markup(" ").join(Markup("<span>{}</span>").format(argument) for argument in arguments)


def _inner(value: Any) -> list[Any]:
    return list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []


def _named(match: re.Match[str]) -> str:
    name = unicodedata.name(match[0], "no name")
    return f'<span class="hid" title="{name}">U+{ord(match[0]):04X}</span>'
