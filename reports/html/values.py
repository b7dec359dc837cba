"""Values, texts and commands as HTML: invisible code points are written out, and nothing is trusted."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import TYPE_CHECKING, Any

from reports import wording

if TYPE_CHECKING:
    from markupsafe import Markup

VALUE = 3_000
"""Characters shown of one value; records.jsonl holds the rest."""

WIDTH = 100
"""Characters of JSON that stay on one line."""

INDENTED = re.compile(r" +$|(?<=\S) {2,}(?=\S)", re.MULTILINE)
"""Spaces that matter in text whose lines we have indented."""
SPACES = re.compile(r"^ +| +$|(?<=\S) {2,}(?=\S)", re.MULTILINE)
LINK = re.compile(r"https?://[^\s<>\"'`⟨⟩]+[^\s<>\"'`⟨⟩.,;:!?)\]]")
CODE = re.compile(r"`([^`\n]+)`")


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
    """JSON with a line for each entry of long values that hold other lists or objects."""
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
    safe = wording.INVISIBLE.sub(_code_point, spaces.sub(lambda match: f'<span class="sp">{match[0]}</span>', safe))
    return Markup(safe)


def prose(value: Any, limit: int = 2_000) -> Markup:
    """A sentence in which `code` in backticks and addresses become elements."""
    from markupsafe import Markup, escape

    safe = str(escape(wording.clip(wording.visible(str(value)), limit)))
    safe = LINK.sub(lambda match: f'<a href="{match[0]}" rel="noopener noreferrer">{match[0]}</a>', safe)
    return Markup(CODE.sub(r"<code>\1</code>", safe))


def traceback(value: str, limit: int = 6_000) -> Markup:
    """A traceback; of a long one the first third and the end."""
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


def _code_point(match: re.Match[str]) -> str:
    name = unicodedata.name(match[0], "no name")
    return f'<span class="hid" title="{name}">U+{ord(match[0]):04X}</span>'
