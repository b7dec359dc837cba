"""Evidence that is easier to see than to read: two values side by side, tokens in a strip, a picture."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from reports import wording
from reports.html import evidence
from reports.records import to_json
from reports.records.sequences import parting

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
"""Names under which checks tell two values of one thing."""

BEFORE, DIFFERENT, BEHIND = 160, 600, 120
"""Characters shown before the first divergence, of what differs, and behind it."""

TOKENS, LEAD = 48, 6
"""Tokens shown of a strip, and of those before the first divergence."""

PNG = re.compile(r"(?:data:image/png;base64,)?(iVBORw0KGgo[A-Za-z0-9+/]+={0,2})")
PICTURE = 300_000
"""Characters of a picture that are taken into the page."""

Side = tuple[str, Any]


def paired(names: Sequence[str]) -> dict[str, str]:
    """The second name of each pair that is there, by its first."""
    found: dict[str, str] = {}
    for one, other in PAIRS:
        if one in names and other in names and one not in found:
            found[one] = other
    return found


def comparable(one: Any, other: Any) -> bool:
    """Whether two values are texts, or lists of plain values, and differ."""
    texts = isinstance(one, str) and isinstance(other, str)
    return one != other and (texts or (_flat(one) and _flat(other)))


def side_by_side(one: Side, other: Side) -> Markup:
    """Two values in two columns, what differs marked in both."""
    from markupsafe import Markup

    start = parting(one[1], other[1])
    ending = _ending(one[1], other[1], start)
    show = _text if isinstance(one[1], str) else _tokens
    column = Markup('<div><p class="side">{}</p>{}</div>')
    columns = (column.format(name, show(value, start, len(value) - ending)) for name, value in (one, other))
    return Markup('<div class="pair">{}</div>').format(Markup("").join(columns))


def strip(tokens: Sequence[Any], ids: Sequence[Any] = (), marked: range = range(0), start: int = 0) -> Markup:
    """Tokens one after the other, with their ids below; those in `marked` are highlighted."""
    from markupsafe import Markup

    chip, number = Markup("<li{}><code>{}</code>{}</li>"), Markup("<small>{}</small>")
    shown = [
        chip.format(
            Markup(' class="d"') if index in marked else "",
            evidence.marked(str(token), 60),
            number.format(ids[index]) if index < len(ids) else "",
        )
        for index, token in enumerate(tokens[: start + TOKENS])
        if index >= start
    ]
    more = len(tokens) - start - len(shown)
    before, behind = (
        Markup('<li class="more">{} more</li>').format(many) if many > 0 else "" for many in (start, more)
    )
    return Markup('<ol class="strip">{}{}{}</ol>').format(before, Markup("").join(shown), behind)


def is_strip(name: str, value: Any) -> bool:
    """Whether a piece of evidence is a list of tokens."""
    named = "tokens" in name or name == "pieces"
    return named and isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)


def ids_of(tokens: str, found: dict[str, Any]) -> list[int]:
    """The ids that belong to a list of tokens: under its name, with as many entries."""
    ids = found.get(tokens.replace("tokens", "ids"))
    fits = isinstance(ids, list) and len(ids) == len(found[tokens]) and all(type(each) is int for each in ids)
    return ids if fits and ids is not None else []


def picture(value: Any, name: str) -> Markup | None:
    """A small PNG file in base64 as an image; None for whatever is none."""
    from markupsafe import Markup

    found = PNG.fullmatch(value) if isinstance(value, str) and len(value) <= PICTURE else None
    if found is None:
        return None
    try:
        whole = base64.b64decode(found[1], validate=True)
    except binascii.Error:
        return None
    if b"IEND" not in whole[-16:]:
        return None
    return Markup('<img class="picture" alt="Picture: {}" src="data:image/png;base64,{}">').format(name, found[1])


def _flat(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, (str, int, float)) for item in value)


def _ending(one: Sequence[Any], other: Sequence[Any], start: int) -> int:
    """How many last elements are alike, without those before the first divergence."""
    longest = min(len(one), len(other)) - start
    return next((back for back in range(longest) if one[-1 - back] != other[-1 - back]), longest)


def _text(value: str, start: int, end: int) -> Markup:
    """A text around its first divergence; the marked part is empty where something is missing."""
    from markupsafe import Markup

    alike = value[max(0, start - BEFORE) : start]
    left_out = Markup('<span class="more">{} characters alike</span>').format(start - BEFORE)
    tail = value[end : end + BEHIND] + ("…" if len(value) > end + BEHIND else "")
    pieces = (evidence.marked(alike), evidence.marked(value[start:end], DIFFERENT), evidence.marked(tail))
    body = Markup("{}<mark>{}</mark>{}").format(*pieces)
    return Markup("<pre>{}{}</pre>").format(left_out if start > BEFORE else "", body)


def _tokens(value: Sequence[Any], start: int, end: int) -> Markup:
    return strip(value, marked=range(start, max(end, start + 1)), start=max(0, start - LEAD))


def pieces(found: dict[str, Any]) -> Iterator[tuple[tuple[str, ...], Markup]]:
    """What of a finding's evidence is shown, not printed: the names that it stands for, and the element."""
    for one, other in paired(list(found)).items():
        if comparable(found[one], found[other]):
            yield (one, other), side_by_side((one, found[one]), (other, found[other]))
    for name, value in found.items():
        if is_strip(name, value):
            ids = ids_of(name, found)
            yield (name, name.replace("tokens", "ids")) if ids else (name,), strip(value, ids)
        elif (image := picture(value, name)) is not None:
            yield (name,), image


def both_sides(change: dict[str, Any]) -> Markup:
    """What a baseline change says of before and after: each entry side by side where it can be compared."""
    from markupsafe import Markup

    before, after = to_json.plain(change.get("before")), to_json.plain(change.get("after"))
    rows = []
    if isinstance(before, dict) and isinstance(after, dict):
        for name in [name for name in before if name in after and comparable(before[name], after[name])]:
            rows.append((name, side_by_side(("before", before.pop(name)), ("after", after.pop(name)))))
    rows += [(title, evidence.show(side)) for title, side in (("Before", before), ("After", after)) if side]
    row = Markup("<dt>{}</dt><dd>{}</dd>")
    return Markup('<dl class="facts">{}</dl>').format(
        Markup("").join(row.format(wording.visible(name), body) for name, body in rows)
    )
