"""The evidence of a finding: values that differ side by side, tokens in strips, pictures, everything else printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reports.html import side_by_side
from reports.html.values import VALUE, show
from reports.records import to_json

if TYPE_CHECKING:
    from markupsafe import Markup

TOTAL = 8_000
"""Characters shown of one finding's evidence."""


def items(evidence: Any) -> list[tuple[str, Markup]]:
    """Title and element of each piece."""
    evidence = to_json.plain(evidence)
    if not isinstance(evidence, dict):
        evidence = {"evidence": evidence} if evidence else {}
    drawn: dict[str, tuple[str, Markup | None]] = {}
    for names, element in side_by_side.pieces(evidence):
        if not drawn.keys() & set(names):
            first = min(names, key=list(evidence).index)
            drawn |= {name: (" · ".join(names), element if name == first else None) for name in names}
    shown, left = [], TOTAL
    for name, value in evidence.items():
        title, piece = drawn.get(name) or (name, show(value, max(200, min(VALUE, left))))
        if piece is not None:
            shown.append((title, piece))
            left -= len(piece)
    return shown
