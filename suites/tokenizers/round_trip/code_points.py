"""Round trip of every Unicode scalar value, thousands per text; only texts that differ are examined closely."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from typing import Any

from suites.tokenizers.batch_codec import BatchCodec
from suites.tokenizers.tokenization_pipeline import Pipeline

CHUNK = 4096
TOGETHER = 16
"""Texts that are encoded in one call, on all cores that the library may use."""
ROUNDS = 8
"""Times that a text is tried again without the characters that were lost."""
REPLACEMENT = "\ufffd"
MARKS_BEFORE_UNICODE_12 = ("\u1cf2", "\u1cf3")
READABLE = ("L", "N", "P", "S")
"""Categories of letters, numbers, punctuation and symbols, which no normalizer removes on purpose."""


@cache
def scalar_values() -> str:
    """All 1,112,064 Unicode scalar values, in order."""
    import numpy

    points = numpy.arange(0x110000, dtype="<u4")
    return str(points[(points < 0xD800) | (points > 0xDFFF)].tobytes(), "utf-32-le")


def chunks(step: int = 1) -> Iterator[str]:
    """Texts of consecutive code points; of these, every `step`th."""
    points = scalar_values()
    for start in range(0, len(points), CHUNK * step):
        yield points[start : start + CHUNK]


@dataclass
class Difference:
    """A text that comes back as another one that nothing declares."""

    text: str
    expected: str
    actual: str


@dataclass
class Sweep:
    """The fate of all code points that were tried."""

    codec: BatchCodec
    declared: Pipeline
    chunk: str = ""
    """The characters that are currently tried."""
    tried: int = 0
    assigned: int = 0
    unknown: set[str] = field(default_factory=set)
    """Characters that become the unknown token."""
    vanished: set[str] = field(default_factory=set)
    """Characters that the vocabulary cannot spell and that leave no unknown token."""
    dropped: set[str] = field(default_factory=set)
    """Characters that the normalizer removes."""
    rewritten: set[str] = field(default_factory=set)
    """Characters that the decoder replaces by others."""
    wrong: list[Difference] = field(default_factory=list)

    def run(self, step: int = 1) -> Sweep:
        every = chunks(step)
        while together := list(islice(every, TOGETHER)):
            self.chunk = "".join(together)
            texts = [self.join(chunk) for chunk in together]
            for chunk, text, ids in zip(together, texts, self.codec.encode(texts), strict=True):
                self.chunk = chunk
                self.tried += len(chunk)
                self.assigned += assigned(chunk)
                self.try_chunk(chunk, text, ids)
        return self

    def try_chunk(self, chunk: str, text: str, ids: list[int]) -> None:
        if set(ids) == {self.declared.unknown_id} and self.cannot_spell_any(chunk, text, self.unknown):
            return
        back = self.codec.decode([ids])[0]
        if back == text or (not back.strip(REPLACEMENT) and self.cannot_spell_any(chunk, text, self.vanished)):
            return
        if self.declared.backend is None:
            self.note_undeclared(chunk, back)
            return
        for _ in range(ROUNDS):
            form = self.comparable_form(text)
            self.note_pipeline_changes(chunk, text, form)
            if self.declared.comparable(back) == form:
                return
            chunk = self.remove_lost(chunk, back, form)
            text = self.join(chunk)
            back = self.round_trip(text)
            if not chunk or back == text:
                return
        if self.differs(chunk):
            self.wrong.append(self.difference(smallest(chunk, self.differs)))

    def cannot_spell_any(self, chunk: str, text: str, fate: set[str]) -> bool:
        """True if the vocabulary spells none of the characters; then they get this fate without a closer look."""
        if self.declared.backend is None or self.declared.spelled(chunk):
            return False
        self.note_dropped(chunk, self.declared.normalized(text))
        fate |= set("".join(chunk.split())) - self.dropped
        return True

    def join(self, characters: str) -> str:
        return self.declared.separator.join(characters)

    def round_trip(self, text: str) -> str:
        return self.codec.round_trip([text])[0]

    def comparable_form(self, text: str) -> str:
        """The declared form, comparable with the decoded text."""
        return self.declared.comparable(self.declared.declared_form(text))

    def differs(self, characters: str) -> bool:
        text = self.join(characters)
        return self.declared.comparable(self.round_trip(text)) != self.comparable_form(text)

    def difference(self, characters: str) -> Difference:
        text = self.join(characters)
        return Difference(text, self.declared.declared_form(text), self.round_trip(text))

    def note_pipeline_changes(self, chunk: str, text: str, form: str) -> None:
        """Notes characters that the normalizer removes, and those that the decoder replaces."""
        normalized = self.declared.normalized(text)
        suspects = set(normalized) - set(form) - self.rewritten
        self.rewritten |= {each for each in suspects if self.declared.decoder_rewrites(each)}
        self.note_dropped(chunk, normalized)

    def note_dropped(self, chunk: str, normalized: str) -> None:
        if normalized == chunk:
            return
        gone = set(chunk) - set(normalized)
        empty = gone if not normalized.strip() else {each for each in gone if not self.declared.normalized(each)}
        self.dropped |= {each for each in empty if not each.isspace()}

    def remove_lost(self, chunk: str, back: str, form: str) -> str:
        """The chunk without characters that do not come back; notes their fates."""
        present, points, formed = set(back), set(chunk), set(form)
        gone = {each for each in points - present if self.missing(each, formed, present)}
        gone = gone or self.wrong_alone(chunk)
        self.note(gone)
        return chunk.translate(dict.fromkeys(map(ord, gone)))

    def missing(self, character: str, formed: set[str], present: set[str]) -> bool:
        """True if part of the character's declared form is missing in the decoded text."""
        if character in formed:
            return True
        return not present.issuperset(self.comparable_form(character))

    def wrong_alone(self, chunk: str) -> set[str]:
        """The characters that differ when each is encoded alone."""
        compare = self.declared.comparable
        backs = self.codec.round_trip(list(chunk))
        return {each for each, back in zip(chunk, backs, strict=True) if compare(back) != self.comparable_form(each)}

    def note(self, gone: set[str]) -> None:
        """Notes lost characters: wrong if the vocabulary spells them, else unknown or vanished."""
        spelled = self.declared.spelled(gone)
        self.wrong += [self.difference(each) for each in sorted(spelled) if self.differs(each)]
        rest = "".join(gone - spelled)
        if self.declared.unknown_id in self.codec.encode([self.join(rest)])[0]:
            self.unknown.update(rest)
        else:  # a jamo may come back alone, but be lost in a syllable with its neighbour
            self.vanished |= self.wrong_alone(rest)

    def note_undeclared(self, chunk: str, back: str) -> None:
        """Notes lost characters of a tokenizer without a declared form: unknown, vanished or dropped."""
        gone = "".join(sorted(set(chunk) - set(back)))
        ids = self.codec.encode([gone])[0]
        unknown = getattr(self.codec.tokenizer, "unk_token_id", None)
        if unknown is not None and unknown in ids:
            self.unknown.update(gone)
        elif gone and not self.codec.decode([ids])[0].strip():
            self.vanished |= readable(set(gone))
            self.dropped |= set(gone) - self.vanished  # classes remove others on purpose


def smallest(text: str, fails: Callable[[str], bool]) -> str:
    """A short piece of a failing text that still fails: by halves, then character by character."""
    size = len(text)
    while size > 1:
        size = (size + 1) // 2
        starts = range(0, len(text) - size + 1, max(1, size // 2))
        piece = next((text[start : start + size] for start in starts if fails(text[start : start + size])), None)
        if piece is None:
            break
        text = piece
    while len(text) > 1 and fails(text[1:]):
        text = text[1:]
    while len(text) > 1 and fails(text[:-1]):
        text = text[:-1]
    return text


def assigned(characters: str) -> int:
    """Number of the characters that Unicode assigns, so neither private nor unassigned."""
    kinds = Counter(map(unicodedata.category, characters))
    return kinds.total() - kinds["Co"] - kinds["Cn"]


def readable(characters: set[str]) -> set[str]:
    """Letters, numbers, punctuation and symbols, but not those that decompose into accents."""
    return {each for each in characters if unicodedata.category(each)[0] in READABLE and not is_accent(each)}


def is_accent(character: str) -> bool:
    parts = unicodedata.normalize("NFKD", character)
    return character in MARKS_BEFORE_UNICODE_12 or all(unicodedata.combining(each) for each in parts)


def extent(characters: set[str]) -> dict[str, Any]:
    """Numbers of assigned, private and unassigned characters, and their Unicode planes."""
    import numpy

    kinds = Counter(map(unicodedata.category, characters))
    private, unassigned = kinds["Co"], kinds["Cn"]
    planes = numpy.unique(numpy.frombuffer("".join(characters).encode("utf-32-le"), "<u4") >> 16)
    return {
        "assigned": kinds.total() - private - unassigned,
        "private": private,
        "unassigned": unassigned,
        "planes": ", ".join(map(str, planes)),
        "unicode": unicodedata.unidata_version,
    }
