"""Rewrites matplotlib's SVG for our page: without style attributes, which the content policy forbids.

Colours become classes, which the style sheet defines for light and dark; ids get a prefix, unique for each plot.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reports import wording

if TYPE_CHECKING:
    from markupsafe import Markup

INK, GRID = "#010101", "#020202"
"""Placeholders for the colours of text and grid."""

DROPPED = re.compile(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", re.DOTALL)
GROUP = re.compile(r'<g id="[^"]*">')
STYLED = re.compile(r'style="([^"]*)"')
IDS = re.compile(r'(\bid="|href="#|url\(#)')
ROOT = re.compile(r"<svg[^>]*?viewBox=\"([\d. -]+)\"[^>]*>", re.DOTALL)
COLOUR = re.compile(r"#0000([0-9a-f]{2})")
SIZE = re.compile(r"([\d.]+)px")


def colour(index: int) -> str:
    """Returns the placeholder for the colour of a curve."""
    return f"#0000{index + 16:02x}"


def inline(drawn: str, name: str, title: str, description: str) -> Markup:
    """The element for the page, with a title and a description for screen readers."""
    from markupsafe import Markup, escape

    body = GROUP.sub("<g>", DROPPED.sub("", drawn)).replace("xlink:href", "href")
    body = STYLED.sub(_attributes, IDS.sub(rf"\g<1>{name}-", body))
    texts = (
        f'<title id="{name}-title">{escape(wording.visible(title))}</title>'
        f'<desc id="{name}-desc">{escape(wording.visible(description))}</desc>'
    )
    opening = f'<svg class="drawn" role="img" aria-labelledby="{name}-title" aria-describedby="{name}-desc"'
    body = ROOT.sub(lambda match: f'{opening} viewBox="{match[1]}">{texts}', body, count=1)
    return Markup("\n".join(line.strip() for line in body.splitlines() if line.strip()))


def _attributes(match: re.Match[str]) -> str:
    """Turns a style into presentation attributes, which the policy allows, and known colours into classes."""
    classes, attributes = [], []
    for declaration in match[1].split(";"):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        if name in ("fill", "stroke") and (known := _class(name, value)):
            classes.append(known)
        elif name == "font":
            attributes += [f'font-size="{size[1]}"' for size in [SIZE.search(value)] if size]
        elif name == "font-size":
            attributes.append(f'font-size="{value.removesuffix("px")}"')
        elif name and not name.startswith("font"):
            attributes.append(f'{name}="{value}"')
    shown = [f'class="{" ".join(classes)}"'] if classes else []
    return " ".join(shown + attributes)


def _class(what: str, value: str) -> str:
    """`f-ink`, `k-3` ...: f for fill, k for stroke."""
    letter = "f" if what == "fill" else "k"
    if value in (INK, GRID):
        return f"{letter}-{'ink' if value == INK else 'grid'}"
    match = COLOUR.fullmatch(value)
    return f"{letter}-{int(match[1], 16) - 16}" if match else ""
