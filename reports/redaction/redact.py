"""Secrets and home directories are hidden at the door of every output.

Hidden are tokens of the Hub's shape, passwords in addresses, and the values of environment variables whose names say
that they are secret; also where a text was cut in the middle of one. A home directory becomes `~`.

The doors: `clean` for every record that is written or read, `clean_report` for what pytest tells of a check,
`screens.Screen` for the terminal, `clean_file` for files that others write (JUnit). What is made of records needs none.
"""

from __future__ import annotations

import bisect
import functools
import html
import itertools
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

from reports.records.schema import Record

R = TypeVar("R", bound=Record)

SECRET_NAME = re.compile(r"TOKEN|KEY|SECRET|PASSWORD|PASSWD|PASSPHRASE|CREDENTIAL", re.IGNORECASE)
HUB_TOKEN = re.compile(r"(?<![A-Za-z0-9])(?:hf|api_org)_[A-Za-z0-9]{16,}")
"""Published tokens have 34 letters and digits; a cut one still counts."""
IN_ADDRESS = re.compile(r"(?<=://)[^/\s:@'\"]*:[^/\s@'\"]+(?=@)")
MARKS = ("hf_", "api_org_", "://")

UNSAFE = re.compile(r"[\"'\\]|[^ -~]")
"""Characters that are spelt in many ways: a secret that has one is looked for everywhere."""

CHANGES = "PYTEST_CURRENT_TEST"
"""The variable that pytest sets at every step of every check."""
SHORTEST = 8
CUT = 12
"""So many letters of a secret count as it where the end of a text cut it."""
GLIMPSE = 6
"""So many where an ellipsis did: that is how `repr` and pytest cut, on purpose."""
ELLIPSES = ("...", "…", " ...", " …", "[...")

WRAP = re.compile(r"""['"](?:\n|\\n)[\sE|+?-]*[bB]?['"]""")
"""Where pprint broke a text over lines: between words, or anywhere in bytes."""
WRAPPED = ("'\n", '"\n', "'\\n", '"\\n')
"""What every wrap holds, also in JSON."""

TRIVIAL = re.compile(r"[\d.,:+\-_ ]{0,11}|(?:true|false|none|null|yes|no|on|off)", re.IGNORECASE)
COMMON = """
password passwort username keyboard required optional disabled enabled changeme postgres postgresql production
development staging testing default automatic anonymous localhost tokenizer tokenizers template templates unlimited
unsupported supported standard function generation transformers pipeline pipelines quantization integrity attention
language assistant position embedding parameters security
"""
"""What people write for a secret that is none; hiding it would eat ordinary text."""
WORDS = frozenset(COMMON.split())


class Secrets:
    """Everything that this process must not tell, gathered from the environment; what was seen once stays secret."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}
        self._homes: tuple[str, ...] = ()
        self._needles: tuple[str, ...] = MARKS
        self._plain = True
        self._seen: dict[Any, Any] = {}

    def look(self) -> None:
        """Gathers from this process, where its environment changed since it was looked at last."""
        now = dict(getattr(os.environ, "_data", os.environ))  # as the system has it: decoding takes as long as a check
        now.pop(os.environ.encodekey(CHANGES), None)
        if now != self._seen:
            self.gather(os.environ)
            self._seen = now

    def gather(self, environment: Mapping[str, str]) -> None:
        """Takes in the secrets and the home directory of an environment."""
        found = {value: name for name, text in environment.items() for value in _values(name, text)}
        homes = tuple(dict.fromkeys((*self._homes, *_homes(environment))))
        if found.keys() <= self._values.keys() and homes == self._homes:
            return
        self._values = dict(sorted((self._values | found).items(), key=lambda entry: -len(entry[0])))
        self._homes = homes
        self._needles = (*MARKS, *_needles(self._values), *homes)
        self._plain = not any(map(UNSAFE.search, (*self._values, *homes)))

    def suspicious(self, text: str) -> bool:
        """Whether it may hold something to hide; quick, and right where the answer is no."""
        if len(text) < len(MARKS[0]):  # a letter for each check goes to the terminal
            return False
        return not self._plain or any(needle in text for needle in self._needles)

    def hide(self, text: str) -> str:
        """The text with the name of what was hidden in its place."""
        if not self.suspicious(text):
            return text
        for value, name in self._values.items():
            text = _without(text, value, f"[{name} hidden]")
        if self._values and any(mark in text for mark in WRAPPED):
            text = _without_wrapped(text, self._values)
        text = HUB_TOKEN.sub("[Hub token hidden]", text)
        text = IN_ADDRESS.sub("[password hidden]", text)
        return _home_pattern(self._homes).sub("~", text) if self._homes else text

    def hidden(self, value: Any) -> Any:
        """A value of JSON's types with every text and name in it hidden."""
        return _mapped(value, self.hide)


SECRETS = Secrets()


def notice() -> None:
    """Reads the environment again: a fixture or a check may have set a token."""
    SECRETS.look()


def hide(text: str) -> str:
    """The text as it may be shown."""
    return SECRETS.hide(text)


def cleaned(value: Any) -> Any:
    """A value of JSON's types as it may be written."""
    notice()
    return SECRETS.hidden(value)


def clean(record: R) -> R:
    """The record as it may be written."""
    return clean_with_line(record)[0]


def clean_with_line(record: R, line: str | None = None) -> tuple[R, str]:
    """The record as it may be written, and its line in the file of records; `line` is that of the record as it is."""
    line = record.line() if line is None else line
    if not SECRETS.suspicious(line):
        return record, line
    shown = type(record).from_json(SECRETS.hidden(json.loads(line)))
    return shown, shown.line()


def clean_line(line: str, data: Any) -> Any:
    """What a line of a record file says, as it may be shown; most lines hold nothing to look for."""
    return SECRETS.hidden(data) if SECRETS.suspicious(line) else data


def clean_report(report: Any) -> None:
    """Hides in pytest's report of one phase: the traceback with its locals, and what was captured."""
    report.longrepr = _shown(report.longrepr)
    report.sections = [(title, hide(text)) for title, text in report.sections]


def clean_file(path: Path) -> None:
    """Hides in a text file that somebody else has written, such as JUnit's."""
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    if (shown := hide(text)) != text:
        path.write_text(shown, encoding="utf-8", errors="surrogateescape")


def _values(name: str, text: str) -> list[str]:
    """What of a variable is secret, in every spelling in which it may be met; lines of a key on their own too."""
    if not SECRET_NAME.search(name):
        return []
    parts = [text, *(line for line in text.splitlines() if len(line) >= CUT and not line.startswith("-----"))]
    return [spelt for part in parts if not _trivial(part) for spelt in _spellings(part)]


def _trivial(value: str) -> bool:
    short = len(value.strip()) < SHORTEST or TRIVIAL.fullmatch(value) or value.lower() in WORDS
    return bool(short) or (value.startswith(("/", "~", ".")) and Path(value).expanduser().exists())


def _spellings(value: str) -> set[str]:
    """The value, and as Python (with pytest, of test ids), JSON, XML, addresses and shells write it."""
    octets = value.encode("utf-8", "surrogateescape")
    inner = {value, repr(value)[1:-1], ascii(value)[1:-1], repr(octets)[2:-1], value.replace("'", "'\"'\"'")}
    inner |= {spelt.replace("\\'", "'") for spelt in inner}  # what repr escapes only where both quotes meet
    for _ in range(2):  # a file of JSON may hold a text of JSON
        inner |= {json.dumps(spelt)[1:-1] for spelt in inner}
    return inner | {html.escape(value), html.escape(value, quote=False), quote(octets), quote(octets, safe="")}


def _needles(values: Mapping[str, str]) -> set[str]:
    """What every whole, cut or wrapped secret holds: its first or its last letters, or the wrap."""
    return {part for value in values for part in (value[:GLIMPSE], value[-GLIMPSE:])} | {*(WRAPPED if values else ())}


def _homes(environment: Mapping[str, str]) -> list[str]:
    """The home directory as it is called and as it is; the root directory is nobody's home."""
    found = [environment.get("HOME"), environment.get("USERPROFILE")]
    paths = [path for home in found if home for path in (Path(home), Path(home).resolve())]
    return list(dict.fromkeys(str(path) for path in paths if path.is_absolute() and len(path.parts) > 1))


@functools.cache
def _home_pattern(homes: tuple[str, ...]) -> re.Pattern[str]:
    """A home directory that is no part of a longer name."""
    longest = "|".join(re.escape(home) for home in sorted(homes, key=len, reverse=True))
    return re.compile(rf"(?<![\w.~-])(?:{longest})(?![\w-]|\.\w)")


def _without(text: str, value: str, shown: str) -> str:
    if value in text:
        text = _as_word(value).sub(lambda _: shown, text) if _is_word(value) else text.replace(value, shown)
    text = _uncut(text, value, shown)
    return _uncut(text[::-1], value[::-1], shown[::-1])[::-1] if value[-GLIMPSE:] in text else text


def _is_word(value: str) -> bool:
    """Whether it may be a part of ordinary words: short, letters only, and in one case."""
    return len(value) < CUT and value.isalpha() and value in (value.lower(), value.upper(), value.title())


@functools.cache
def _as_word(value: str) -> re.Pattern[str]:
    """The value with no letter beside it; digits and underscores are none."""
    return re.compile(rf"(?<![^\W\d_]){re.escape(value)}(?![^\W\d_])")


def _uncut(text: str, value: str, shown: str) -> str:
    """Hides the beginning of a secret that an ellipsis or the end of the text cut."""
    at = text.find(value[:GLIMPSE])
    while at >= 0:
        pairs = zip(text[at : at + len(value)], value, strict=False)
        end = at + sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
        if text.startswith(ELLIPSES, end) or (end == len(text) and end - at >= CUT):
            text, end = f"{text[:at]}{shown}{text[end:]}", at + len(shown)
        at = text.find(value[:GLIMPSE], end)
    return text


def _without_wrapped(text: str, values: Mapping[str, str]) -> str:
    """Hides secrets that were broken over lines: looked for where the wraps are taken out, and cut out with them."""
    kept = [(0, 0)]
    """Where each piece between wraps begins: without the wraps, and in the text."""
    joined, last = "", 0
    for wrap in WRAP.finditer(text):
        joined += text[last : wrap.start()]
        last = wrap.end()
        kept.append((len(joined), last))
    if last == 0:
        return text
    joined += text[last:]
    found = [(at, at + len(value), name) for value, name in values.items() for at in _places(joined, value)]
    for start, end, name in _apart(found):
        begin, finish = _original(start, kept), _original(end - 1, kept) + 1
        text = f"{text[:begin]}[{name} hidden]{text[finish:]}"
    return text


def _places(text: str, value: str) -> list[int]:
    if _is_word(value):
        return [found.start() for found in _as_word(value).finditer(text)]
    return [found.start() for found in re.finditer(re.escape(value), text)]


def _apart(found: list[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
    """The last one first, so that the places before it stay right; of those that overlap, one that holds them all."""
    end = -1
    whole: list[tuple[int, int, str]] = []
    for start, stop, name in sorted(found):
        if start < end:
            whole[-1] = (whole[-1][0], max(end, stop), whole[-1][2])
        else:
            whole.append((start, stop, name))
        end = max(end, stop)
    yield from reversed(whole)


def _original(place: int, kept: list[tuple[int, int]]) -> int:
    """Where a place without the wraps is in the text."""
    piece, at = kept[bisect.bisect_right(kept, (place, sys.maxsize)) - 1]
    return at + place - piece


def _shown(value: Any) -> Any:
    """A traceback of pytest's, which is made of lists and objects that hold text."""
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, list) and value and all(type(line) is str for line in value):
        return hide("\n".join(value)).split("\n")  # together: what pprint wrapped is in several lines
    if isinstance(value, (list, tuple)):
        return type(value)(map(_shown, value))
    if type(value).__module__.startswith("_pytest._code"):
        vars(value).update({name: _shown(part) for name, part in vars(value).items()})
    return value


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_mapped(item, change) for item in value]
    if isinstance(value, dict):
        return {change(name): _mapped(item, change) for name, item in value.items()}
    return value
