"""Every Unicode scalar value through a tokenizer, thousands per text; a closer look only where a text differs."""

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
"""Texts that are encoded in one call, on as many cores as the library may use."""
ROUNDS = 8
"""So often a text is tried again without the characters that were found in it."""
REPLACEMENT = "\ufffd"
ONCE_MARKS = ("\u1cf2", "\u1cf3")
READABLE = ("L", "N", "P", "S")
"""Letters, numbers, punctuation and symbols: nothing that a normalizer takes out on purpose."""


@cache
def scalar_values() -> str:
    """All 1,112,064 of them, in order."""
    import numpy

    points = numpy.arange(0x110000, dtype="<u4")
    return str(points[(points < 0xD800) | (points > 0xDFFF)].tobytes(), "utf-32-le")


def chunks(step: int = 1) -> Iterator[str]:
    """Texts of consecutive code points, every `step`th of them."""
    points = scalar_values()
    for start in range(0, len(points), CHUNK * step):
        yield points[start : start + CHUNK]


@dataclass
class Difference:
    """A text that comes back as something that nothing declares."""

    text: str
    expected: str
    actual: str


@dataclass
class Sweep:
    """What became of all code points that were tried."""

    codec: BatchCodec
    declared: Pipeline
    chunk: str = ""
    """The characters that are being tried."""
    tried: int = 0
    assigned: int = 0
    unknown: set[str] = field(default_factory=set)
    """Characters that become the unknown token."""
    vanished: set[str] = field(default_factory=set)
    """Characters that the vocabulary cannot spell and that leave no unknown token."""
    dropped: set[str] = field(default_factory=set)
    """Characters that the normalizer takes out."""
    rewritten: set[str] = field(default_factory=set)
    """Characters for which the decoder writes others."""
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
        if set(ids) == {self.declared.unknown_id} and self.nothing_spelled(chunk, text, self.unknown):
            return
        back = self.codec.decode([ids])[0]
        if back == text or (not back.strip(REPLACEMENT) and self.nothing_spelled(chunk, text, self.vanished)):
            return
        if self.declared.backend is None:
            self.undeclared(chunk, back)
            return
        for _ in range(ROUNDS):
            form = self.declared_form(text)
            self.watch_pipeline(chunk, text, form)
            if self.declared.comparable(back) == form:
                return
            chunk = self.without_lost(chunk, back, form)
            text = self.join(chunk)
            back = self.back(text)
            if not chunk or back == text:
                return
        if self.differs(chunk):
            self.wrong.append(self.difference(smallest(chunk, self.differs)))

    def nothing_spelled(self, chunk: str, text: str, fate: set[str]) -> bool:
        """Where nothing came out of characters that cannot be spelled, no closer look is needed."""
        if self.declared.backend is None or self.declared.spelled(chunk):
            return False
        self.note_dropped(chunk, self.declared.normalized(text))
        fate |= set("".join(chunk.split())) - self.dropped
        return True

    def join(self, characters: str) -> str:
        return self.declared.separator.join(characters)

    def back(self, text: str) -> str:
        return self.codec.round_trip([text])[0]

    def declared_form(self, text: str) -> str:
        """The declared form, comparable with what comes back."""
        return self.declared.comparable(self.declared.declared_form(text))

    def differs(self, characters: str) -> bool:
        text = self.join(characters)
        return self.declared.comparable(self.back(text)) != self.declared_form(text)

    def difference(self, characters: str) -> Difference:
        text = self.join(characters)
        return Difference(text, self.declared.declared_form(text), self.back(text))

    def watch_pipeline(self, chunk: str, text: str, form: str) -> None:
        """Notes characters that the normalizer takes out, and those for which the decoder writes others."""
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

    def without_lost(self, chunk: str, back: str, form: str) -> str:
        """Takes out of the chunk what does not come back, and notes why."""
        present, points, formed = set(back), set(chunk), set(form)
        gone = {each for each in points - present if self.missing(each, formed, present)}
        gone = gone or self.alone_wrong(chunk)
        self.note(gone)
        return chunk.translate(dict.fromkeys(map(ord, gone)))

    def missing(self, character: str, formed: set[str], present: set[str]) -> bool:
        """Whether something of the character's own form is not in what came back."""
        if character in formed:
            return True
        return not present.issuperset(self.declared_form(character))

    def alone_wrong(self, chunk: str) -> set[str]:
        """The characters that differ when each is a text of its own."""
        compare = self.declared.comparable
        backs = self.codec.round_trip(list(chunk))
        return {each for each, back in zip(chunk, backs, strict=True) if compare(back) != self.declared_form(each)}

    def note(self, gone: set[str]) -> None:
        """Why they are gone: the vocabulary could have spelled them, or it says so by the unknown token, or not."""
        spelled = self.declared.spelled(gone)
        self.wrong += [self.difference(each) for each in sorted(spelled) if self.differs(each)]
        rest = "".join(gone - spelled)
        if self.declared.unknown_id in self.codec.encode([self.join(rest)])[0]:
            self.unknown.update(rest)
        else:  # a jamo may come back alone, and be lost in the syllable that it makes with its neighbour
            self.vanished |= self.alone_wrong(rest)

    def undeclared(self, chunk: str, back: str) -> None:
        """Without a declared form: what does not come back is unknown, or vanishes, or has another form."""
        gone = "".join(sorted(set(chunk) - set(back)))
        ids = self.codec.encode([gone])[0]
        unknown = getattr(self.codec.tokenizer, "unk_token_id", None)
        if unknown is not None and unknown in ids:
            self.unknown.update(gone)
        elif gone and not self.codec.decode([ids])[0].strip():
            self.vanished |= readable(set(gone))
            self.dropped |= set(gone) - self.vanished  # classes take out on purpose what is no letter or symbol


def smallest(text: str, fails: Callable[[str], bool]) -> str:
    """A short piece of a failing text that still fails: halves first, then one character after the other."""
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
    """How many of them are characters of Unicode, neither private nor without meaning so far."""
    kinds = Counter(map(unicodedata.category, characters))
    return kinds.total() - kinds["Co"] - kinds["Cn"]


def readable(characters: set[str]) -> set[str]:
    """Those that are read on their own: not what is a mark when decomposed, or was one before Unicode 12."""
    return {each for each in characters if unicodedata.category(each)[0] in READABLE and not accent(each)}


def accent(character: str) -> bool:
    parts = unicodedata.normalize("NFKD", character)
    return character in ONCE_MARKS or all(unicodedata.combining(each) for each in parts)


def extent(characters: set[str]) -> dict[str, Any]:
    """How many characters of which sort, and in which planes of Unicode."""
    import numpy

    kinds = Counter(map(unicodedata.category, characters))
    private, unassigned = kinds["Co"], kinds["Cn"]
    planes = numpy.unique(numpy.frombuffer("".join(characters).encode("utf-32-le"), "<u4") >> 16)
    return {"assigned": kinds.total() - private - unassigned, "private": private, "unassigned": unassigned,
            "planes": ", ".join(map(str, planes)), "unicode": unicodedata.unidata_version}  # fmt: skip
