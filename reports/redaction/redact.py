"""Redacts secrets and home directories in everything that is written: records, report, terminal, log files, JUnit.

Secrets are tokens of the Hub, passwords in addresses, and values of environment variables whose names say that they
are secret; also if a text was cut in the middle of one. A home directory becomes `~`.

`redacted_record` is for records that are written or read, `redact_pytest_report` for pytest's report of a check,
`streams.RedactedStream` for the terminal, `redact_file` for files of other tools. Files made of records need none.
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
"""Published tokens have 34 letters and digits; a part of one counts too."""
PASSWORD_IN_ADDRESS = re.compile(r"(?<=://)[^/\s:@'\"]*:[^/\s@'\"]+(?=@)")
MARKS = ("hf_", "api_org_", "://")
"""One of them is in every text that the two patterns above match."""

UNSAFE = re.compile(r"[\"'\\]|[^ -~]")
"""Characters that are written in many ways: with a secret that has one, every text is searched in full."""

CURRENT_TEST = "PYTEST_CURRENT_TEST"
"""The variable that pytest sets at every step of every check."""
SHORTEST = 8
"""Characters of the shortest value that counts as a secret."""
CUT = 12
"""Characters of a secret that count as the whole if the end of a text cuts it."""
CUT_BY_ELLIPSIS = 6
"""The same if an ellipsis cuts it, as `repr` and pytest do."""
ELLIPSES = ("...", "…", " ...", " …", "[...")

WRAP = re.compile(r"""['"](?:\n|\\n)[\sE|+?-]*[bB]?['"]""")
"""A line break of pprint inside a text: between words, or anywhere in bytes."""
WRAPPED = ("'\n", '"\n', "'\\n", '"\\n')
"""One of them is in every such line break, also in JSON."""

TRIVIAL = re.compile(r"[\d.,:+\-_ ]{0,11}|(?:true|false|none|null|yes|no|on|off)", re.IGNORECASE)
COMMON = """
password passwort username keyboard required optional disabled enabled changeme postgres postgresql production
development staging testing default automatic anonymous localhost tokenizer tokenizers template templates unlimited
unsupported supported standard function generation transformers pipeline pipelines quantization integrity attention
language assistant position embedding parameters security
"""
"""Words that users write as a value that is no secret; redacting them would remove ordinary text."""
WORDS = frozenset(COMMON.split())


class Secrets:
    """The secrets of this process, from its environment; a value that was a secret once stays one."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}
        self._homes: tuple[str, ...] = ()
        self._needles: tuple[str, ...] = MARKS
        self._all_plain = True
        self._environment: dict[Any, Any] = {}

    def read_environment(self) -> None:
        """Adds the secrets of this process, if its environment changed since the last call."""
        now = dict(getattr(os.environ, "_data", os.environ))  # not decoded: that takes as long as a check
        now.pop(os.environ.encodekey(CURRENT_TEST), None)
        if now != self._environment:
            self.add(os.environ)
            self._environment = now

    def add(self, environment: Mapping[str, str]) -> None:
        """Adds the secrets and the home directory of an environment."""
        secrets = {value: name for name, text in environment.items() for value in _values(name, text)}
        homes = tuple(dict.fromkeys((*self._homes, *_homes(environment))))
        if secrets.keys() <= self._values.keys() and homes == self._homes:
            return
        self._values = dict(sorted((self._values | secrets).items(), key=lambda entry: -len(entry[0])))
        self._homes = homes
        self._needles = (*MARKS, *_needles(self._values), *homes)
        self._all_plain = not any(map(UNSAFE.search, (*self._values, *homes)))

    def suspicious(self, text: str) -> bool:
        """True if the text may hold something to redact; quick, and False only if there is nothing."""
        if len(text) < len(MARKS[0]):  # the terminal gets single letters
            return False
        return not self._all_plain or any(needle in text for needle in self._needles)

    def redacted(self, text: str) -> str:
        """The text with `[NAME hidden]` in place of each secret."""
        if not self.suspicious(text):
            return text
        for value, name in self._values.items():
            text = _without(text, value, f"[{name} hidden]")
        if self._values and any(mark in text for mark in WRAPPED):
            text = _without_wrapped(text, self._values)
        text = HUB_TOKEN.sub("[Hub token hidden]", text)
        text = PASSWORD_IN_ADDRESS.sub("[password hidden]", text)
        return _home_pattern(self._homes).sub("~", text) if self._homes else text

    def redacted_value(self, value: Any) -> Any:
        """A value of JSON's types with every text and name in it redacted."""
        return _mapped(value, self.redacted)


SECRETS = Secrets()


def read_environment() -> None:
    """Reads the environment again: a fixture or a check may have set a token."""
    SECRETS.read_environment()


def redacted(text: str) -> str:
    return SECRETS.redacted(text)


def redacted_value(value: Any) -> Any:
    """A value of JSON's types, redacted with the environment as it is now."""
    read_environment()
    return SECRETS.redacted_value(value)


def redacted_record(record: R) -> R:
    return redacted_with_line(record)[0]


def redacted_with_line(record: R, line: str | None = None) -> tuple[R, str]:
    """The redacted record and its line in the file of records; `line` is the line of the record as given, if known."""
    line = record.line() if line is None else line
    if not SECRETS.suspicious(line):
        return record, line
    shown = type(record).from_json(SECRETS.redacted_value(json.loads(line)))
    return shown, shown.line()


def redacted_line(line: str, data: Any) -> Any:
    """The redacted value of a line of a record file; searches the value only if the line is suspicious."""
    return SECRETS.redacted_value(data) if SECRETS.suspicious(line) else data


def redact_pytest_report(report: Any) -> None:
    """Redacts pytest's report of one phase: the traceback with its locals, and captured output."""
    report.longrepr = _redacted_traceback(report.longrepr)
    report.sections = [(title, redacted(text)) for title, text in report.sections]


def redact_file(path: Path) -> None:
    """Redacts a text file of another tool, such as JUnit's."""
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    if (shown := redacted(text)) != text:
        path.write_text(shown, encoding="utf-8", errors="surrogateescape")


def _values(name: str, text: str) -> list[str]:
    """The secrets of a variable in every notation in which they may occur; of a key with several lines each line."""
    if not SECRET_NAME.search(name):
        return []
    parts = [text, *(line for line in text.splitlines() if len(line) >= CUT and not line.startswith("-----"))]
    return [written for part in parts if not _trivial(part) for written in _notations(part)]


def _trivial(value: str) -> bool:
    short = len(value.strip()) < SHORTEST or TRIVIAL.fullmatch(value) or value.lower() in WORDS
    return bool(short) or (value.startswith(("/", "~", ".")) and Path(value).expanduser().exists())


def _notations(value: str) -> set[str]:
    """The value, and as Python, pytest's test ids, JSON, XML, addresses and shells write it."""
    octets = value.encode("utf-8", "surrogateescape")
    inner = {value, repr(value)[1:-1], ascii(value)[1:-1], repr(octets)[2:-1], value.replace("'", "'\"'\"'")}
    inner |= {written.replace("\\'", "'") for written in inner}  # repr escapes it only in texts with both quotes
    for _ in range(2):  # JSON inside JSON
        inner |= {json.dumps(written)[1:-1] for written in inner}
    return inner | {html.escape(value), html.escape(value, quote=False), quote(octets), quote(octets, safe="")}


def _needles(values: Mapping[str, str]) -> set[str]:
    """Texts of which every whole, cut or wrapped secret holds one: its first or last characters, or the line break."""
    ends = {part for value in values for part in (value[:CUT_BY_ELLIPSIS], value[-CUT_BY_ELLIPSIS:])}
    return ends | {*(WRAPPED if values else ())}


def _homes(environment: Mapping[str, str]) -> list[str]:
    """The home directory, with and without symbolic links resolved; never the root directory."""
    homes = [environment.get("HOME"), environment.get("USERPROFILE")]
    paths = [path for home in homes if home for path in (Path(home), Path(home).resolve())]
    return list(dict.fromkeys(str(path) for path in paths if path.is_absolute() and len(path.parts) > 1))


@functools.cache
def _home_pattern(homes: tuple[str, ...]) -> re.Pattern[str]:
    """Matches a home directory that is not part of a longer name."""
    longest = "|".join(re.escape(home) for home in sorted(homes, key=len, reverse=True))
    return re.compile(rf"(?<![\w.~-])(?:{longest})(?![\w-]|\.\w)")


def _without(text: str, value: str, shown: str) -> str:
    if value in text:
        text = _as_word(value).sub(lambda _: shown, text) if _is_word(value) else text.replace(value, shown)
    text = _without_cut(text, value, shown)
    return _without_cut(text[::-1], value[::-1], shown[::-1])[::-1] if value[-CUT_BY_ELLIPSIS:] in text else text


def _is_word(value: str) -> bool:
    """True if it may be part of ordinary words: short, letters only, and in one case."""
    return len(value) < CUT and value.isalpha() and value in (value.lower(), value.upper(), value.title())


@functools.cache
def _as_word(value: str) -> re.Pattern[str]:
    """Matches the value without a letter on either side; digits and underscores are not letters."""
    return re.compile(rf"(?<![^\W\d_]){re.escape(value)}(?![^\W\d_])")


def _without_cut(text: str, value: str, shown: str) -> str:
    """Redacts the beginning of a secret that an ellipsis or the end of the text cuts."""
    at = text.find(value[:CUT_BY_ELLIPSIS])
    while at >= 0:
        pairs = zip(text[at : at + len(value)], value, strict=False)
        end = at + sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
        if text.startswith(ELLIPSES, end) or (end == len(text) and end - at >= CUT):
            text, end = f"{text[:at]}{shown}{text[end:]}", at + len(shown)
        at = text.find(value[:CUT_BY_ELLIPSIS], end)
    return text


def _without_wrapped(text: str, values: Mapping[str, str]) -> str:
    """Redacts secrets that pprint broke over lines: searches the text without the line breaks."""
    pieces = [(0, 0)]
    """The start of each piece between line breaks: without the breaks, and in the text."""
    joined, last = "", 0
    for wrap in WRAP.finditer(text):
        joined += text[last : wrap.start()]
        last = wrap.end()
        pieces.append((len(joined), last))
    if last == 0:
        return text
    joined += text[last:]
    spans = [(at, at + len(value), name) for value, name in values.items() for at in _positions(joined, value)]
    for start, end, name in _without_overlaps(spans):
        begin, finish = _in_text(start, pieces), _in_text(end - 1, pieces) + 1
        text = f"{text[:begin]}[{name} hidden]{text[finish:]}"
    return text


def _positions(text: str, value: str) -> list[int]:
    if _is_word(value):
        return [match.start() for match in _as_word(value).finditer(text)]
    return [match.start() for match in re.finditer(re.escape(value), text)]


def _without_overlaps(spans: list[tuple[int, int, str]]) -> Iterator[tuple[int, int, str]]:
    """Merges overlapping spans; yields the last one first, so that the positions of the others stay right."""
    end = -1
    merged: list[tuple[int, int, str]] = []
    for start, stop, name in sorted(spans):
        if start < end:
            merged[-1] = (merged[-1][0], max(end, stop), merged[-1][2])
        else:
            merged.append((start, stop, name))
        end = max(end, stop)
    yield from reversed(merged)


def _in_text(position: int, pieces: list[tuple[int, int]]) -> int:
    """The position in the text of a position without line breaks."""
    piece, at = pieces[bisect.bisect_right(pieces, (position, sys.maxsize)) - 1]
    return at + position - piece


def _redacted_traceback(value: Any) -> Any:
    """A traceback of pytest, which is made of lists and objects that hold text."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, list) and value and all(type(line) is str for line in value):
        return redacted("\n".join(value)).split("\n")  # together: pprint breaks a text over several lines
    if isinstance(value, (list, tuple)):
        return type(value)(map(_redacted_traceback, value))
    if type(value).__module__.startswith("_pytest._code"):
        vars(value).update({name: _redacted_traceback(part) for name, part in vars(value).items()})
    return value


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_mapped(item, change) for item in value]
    if isinstance(value, dict):
        return {change(name): _mapped(item, change) for name, item in value.items()}
    return value
