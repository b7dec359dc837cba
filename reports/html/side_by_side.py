"""Elements for evidence: two values side by side, tokens in a strip, a picture."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from reports import wording
from reports.html.values import marked, show
from reports.records import to_json

if TYPE_CHECKING:
    from markupsafe import Markup

PAIRS = (
    ("expected", "actual"),
    ("expected", "rendered"),
    ("expected ids", "actual ids"),
    ("expected tokens", "actual tokens"),
    ("before", "after"),
    ("tokens before", "tokens after"),
    ("without", "with"),
    ("jinja", "other"),
    ("render", "of a mapping"),
    ("decoded", "streamed"),
    ("should be", "is"),
)
"""Names under which checks give two values of one thing as evidence."""

BEFORE, DIFFERENT, AFTER = 160, 600, 120
"""Characters shown before the first difference, of the part that differs, and after it."""

TOKENS, LEAD = 48, 6
"""Tokens shown of a strip, and tokens shown before the first difference."""

PNG = re.compile(r"(?:data:image/png;base64,)?(iVBORw0KGgo[A-Za-z0-9+/]+={0,2})")
PICTURE = 300_000
"""Characters of the largest picture that goes into the page."""

Side = tuple[str, Any]


def paired(names: Sequence[str]) -> dict[str, str]:
    """The second name of each pair in `names`, by the first."""
    pairs: dict[str, str] = {}
    for one, other in PAIRS:
        if one in names and other in names and one not in pairs:
            pairs[one] = other
    return pairs


def comparable(one: Any, other: Any) -> bool:
    """True if two values differ and are both texts or both lists of plain values."""
    texts = isinstance(one, str) and isinstance(other, str)
    return one != other and (texts or (_flat(one) and _flat(other)))


def side_by_side(one: Side, other: Side) -> Markup:
    """Two values in two columns, with the part that differs marked in both."""
    from markupsafe import Markup

    start = wording.first_difference(one[1], other[1])
    ending = _common_ending(one[1], other[1], start)
    shown = _text if isinstance(one[1], str) else _tokens
    column = Markup('<div><p class="side">{}</p>{}</div>')
    columns = (column.format(name, shown(value, start, len(value) - ending)) for name, value in (one, other))
    return Markup('<div class="pair">{}</div>').format(Markup("").join(columns))


def strip(tokens: Sequence[Any], ids: Sequence[Any] = (), differing: range = range(0), start: int = 0) -> Markup:
    """Tokens one after the other, with their ids below; those in `differing` are highlighted."""
    from markupsafe import Markup

    chip, number = Markup("<li{}><code>{}</code>{}</li>"), Markup("<small>{}</small>")
    shown = [
        chip.format(
            Markup(' class="d"') if index in differing else "",
            marked(str(token), 60),
            number.format(ids[index]) if index < len(ids) else "",
        )
        for index, token in enumerate(tokens[: start + TOKENS])
        if index >= start
    ]
    more = len(tokens) - start - len(shown)
    before, after = (
        Markup('<li class="more">{} more</li>').format(number) if number > 0 else "" for number in (start, more)
    )
    return Markup('<ol class="strip">{}{}{}</ol>').format(before, Markup("").join(shown), after)


def is_strip(name: str, value: Any) -> bool:
    """True if a piece of evidence is a list of tokens."""
    named = "tokens" in name or name == "pieces"
    return named and isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)


def ids_of(tokens: str, evidence: dict[str, Any]) -> list[int]:
    """The ids of a list of tokens: under the corresponding name, with as many entries."""
    ids = evidence.get(tokens.replace("tokens", "ids"))
    fits = isinstance(ids, list) and len(ids) == len(evidence[tokens]) and all(type(each) is int for each in ids)
    return ids if fits and ids is not None else []


def picture(value: Any, name: str) -> Markup | None:
    """A small PNG file in base64 as an image; None for other values."""
    from markupsafe import Markup

    match = PNG.fullmatch(value) if isinstance(value, str) and len(value) <= PICTURE else None
    if match is None:
        return None
    try:
        content = base64.b64decode(match[1], validate=True)
    except binascii.Error:
        return None
    if b"IEND" not in content[-16:]:
        return None
    return Markup('<img class="picture" alt="Picture: {}" src="data:image/png;base64,{}">').format(name, match[1])


def _flat(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, (str, int, float)) for item in value)


def _common_ending(one: Sequence[Any], other: Sequence[Any], start: int) -> int:
    """The number of equal last elements, without those before the first difference."""
    longest = min(len(one), len(other)) - start
    return next((back for back in range(longest) if one[-1 - back] != other[-1 - back]), longest)


def _text(value: str, start: int, end: int) -> Markup:
    """A text around its first difference; the marked part is empty if something is missing there."""
    from markupsafe import Markup

    equal = value[max(0, start - BEFORE) : start]
    left_out = Markup('<span class="more">{} equal characters</span>').format(start - BEFORE)
    tail = value[end : end + AFTER] + ("…" if len(value) > end + AFTER else "")
    pieces = (marked(equal), marked(value[start:end], DIFFERENT), marked(tail))
    body = Markup("{}<mark>{}</mark>{}").format(*pieces)
    return Markup("<pre>{}{}</pre>").format(left_out if start > BEFORE else "", body)


def _tokens(value: Sequence[Any], start: int, end: int) -> Markup:
    return strip(value, differing=range(start, max(end, start + 1)), start=max(0, start - LEAD))


def pieces(evidence: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], Markup]]:
    """Yields the pieces of evidence that have an element of their own: their names and the element."""
    for one, other in paired(list(evidence)).items():
        if comparable(evidence[one], evidence[other]):
            yield (one, other), side_by_side((one, evidence[one]), (other, evidence[other]))
    for name, value in evidence.items():
        if is_strip(name, value):
            ids = ids_of(name, evidence)
            yield (name, name.replace("tokens", "ids")) if ids else (name,), strip(value, ids)
        elif (image := picture(value, name)) is not None:
            yield (name,), image


def both_sides(change: dict[str, Any]) -> Markup:
    """The values of a baseline change before and after: side by side if they can be compared."""
    from markupsafe import Markup

    before, after = to_json.plain(change.get("before")), to_json.plain(change.get("after"))
    rows = []
    if isinstance(before, dict) and isinstance(after, dict):
        for name in [name for name in before if name in after and comparable(before[name], after[name])]:
            rows.append((name, side_by_side(("before", before.pop(name)), ("after", after.pop(name)))))
    rows += [(title, show(side)) for title, side in (("Before", before), ("After", after)) if side]
    row = Markup("<dt>{}</dt><dd>{}</dd>")
    return Markup('<dl class="facts">{}</dl>').format(
        Markup("").join(row.format(wording.visible(name), body) for name, body in rows)
    )
