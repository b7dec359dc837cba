"""Words and numbers for people, shared by terminal, Markdown and HTML.

Text from models is never trusted: control characters, bidirectional overrides and other invisible code points are
shown as `⟨U+202E⟩`, so that text cannot hide, reorder or colour parts of itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

INVISIBLE = re.compile(
    "["
    "\x00-\x08\x0b-\x1f\x7f-\xa0\xad"  # controls except tab and newline, no-break space, soft hyphen
    "\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f"  # joiners, fillers, Mongolian selectors
    "\u2000-\u200f\u2028-\u202f\u205f-\u206f"  # odd spaces, zero width, line separators, bidi controls
    "\u2800\u3000\u3164\ud800-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"  # blanks, surrogates, private
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U0010ffff"  # shorthand, music, tags, private planes
    "]"
)


def visible(text: str) -> str:
    """The text with every invisible or reordering code point written out, but for newline and tab."""
    return INVISIBLE.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text)


def line(text: str, limit: int = 400) -> str:
    """The visible text on one line, clipped."""
    return clip(visible(re.sub(r"[ \t\n]+", " ", str(text)).strip(" ")), limit)


def clip(text: str, limit: int) -> str:
    """At most `limit` characters, and the number of those left out."""
    return text if len(text) <= limit else f"{text[:limit]} … ({len(text) - limit:,} more characters)"


def first_difference(one: Sequence[Any], other: Sequence[Any]) -> int:
    """The first position at which two texts or lists differ."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((index for index, (a, b) in pairs if a != b), min(len(one), len(other)))


def number(value: Any) -> str:
    """Thousands separated, floats with four significant digits."""
    if value is None:
        return "not a number"
    if isinstance(value, float) and not value.is_integer():
        if 1e4 <= abs(value) < 1e15:
            return f"{float(f'{value:.4g}'):,.0f}"
        return f"{value:,.4g}" if 1e-4 <= abs(value) < 1e6 else f"{value:.3e}"
    return f"{value:,.0f}" if isinstance(value, (int, float)) else str(value)


def short(value: Any) -> str:
    """Three significant digits, for the ends of an interval."""
    if not isinstance(value, float) or value.is_integer() or abs(value) >= 100:
        return number(value) if not isinstance(value, float) or value.is_integer() else f"{value:,.0f}"
    return f"{value:.3g}"


def seconds(value: float) -> str:
    """A duration: `12 ms`, `3.4 s`, `2 min 5 s`."""
    if value < 1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.1f} s" if value < 60 else f"{int(value // 60)} min {int(value % 60)} s"


def moment(value: str | None) -> str:
    """An ISO 8601 time for readers: `2026-11-22 15:04:05 UTC`."""
    return re.sub(r"(\+00:00|Z)$", " UTC", (value or "never").replace("T", " ", 1))


def fact(value: Any) -> str:
    """A plain value in words: yes and no, lists with commas, numbers with thousands."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return "none" if value is None else number(value)


ACRONYMS = re.compile(r"\b(kl|bos|eos|kv|f1|id|ids|json|gpu|cpu)\b")


def words(name: str) -> str:
    """`threads_per_process` as words; names with capitals, such as environment variables, stay as they are."""
    return name.replace("_", " ") if name.islower() else name


def title(name: str) -> str:
    """`kl_by_position` as a heading: `KL by position`."""
    return capital(ACRONYMS.sub(lambda match: match[0].upper(), words(name)))


def capital(value: str) -> str:
    """The first letter a capital, unless the first word is a name of code such as `add_generation_prompt`."""
    return value if re.match(r"\w*[_(=]|\w+\.\w", value) else value[:1].upper() + value[1:]


def count(many: int, thing: str, plural: str = "") -> str:
    """`1 defect`, `2 defects`."""
    return f"{many:,} {thing if many == 1 else plural or thing + 's'}"


def sentence(text: str) -> str:
    """Ends with a full stop."""
    text = text.strip()
    return text if text.endswith((".", "!", "?", "…")) else text + "."


def variant(values: Mapping[str, Any]) -> str:
    """A variant in words: `cpu · float32 · nf4`; defaults such as quantization 'none' are left out."""
    return " · ".join(str(value) for value in values.values() if value not in (None, "", "none", "default"))


def parameters(values: Mapping[str, Any]) -> str:
    """Further axes of a check: `script=Arabic, batch=2`."""
    return ", ".join(f"{name}={value}" for name, value in values.items())


def names(items: Sequence[str], limit: int = 3) -> str:
    """`a, b and c`, or `a, b, c and 5 more`."""
    shown = list(items[:limit])
    if len(items) > limit:
        return f"{', '.join(shown)} and {len(items) - limit:,} more"
    return " and ".join(part for part in (", ".join(shown[:-1]), *shown[-1:]) if part)


def enumerated(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return names(parts, len(parts)) if parts else ""
