"""Normalizer, pre-tokenizer and decoder of a tokenizer, and the text that they declare to give back.

Normalizer and pre-tokenizer decide which pieces the model sees, the decoder which text these pieces give. Together,
with a lossless model between them, they give the declared form of a text. Whatever else a round trip loses is either
a character that the vocabulary cannot spell, or a defect.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

from fixtures.text.byte_letters import byte_letters
from fixtures.text.differences import first_difference

SPACE_PRESERVING_DECODERS = {"ByteLevel", "Metaspace", "ByteFallback", "Replace"}
"""Others (WordPiece, BPE with </w>) do not give white space back as it was."""
SPACE_MARKS = "▁Ġ"
NEVER_IN_UTF8 = {0xC0, 0xC1, *range(0xF5, 0x100)}
NONCHARACTERS = "\U0010ffff\U000effff\ufffe"
"""Code points without a character, for which hardly any vocabulary has a token."""
UTF8_BYTES = sorted(set(range(256)) - NEVER_IN_UTF8)

_PIPELINES: WeakKeyDictionary[Any, Pipeline] = WeakKeyDictionary()


def pipeline(tokenizer: Any) -> Pipeline:
    """The pipeline of a tokenizer, created once for each."""
    if tokenizer not in _PIPELINES:
        _PIPELINES[tokenizer] = Pipeline(tokenizer)
    return _PIPELINES[tokenizer]


class Pipeline:
    """Normalizer, pre-tokenizer and decoder of a loaded tokenizer."""

    def __init__(self, tokenizer: Any):
        self.backend: Any = getattr(tokenizer, "backend_tokenizer", None)
        self.vocabulary: dict[str, int] = tokenizer.get_vocab()
        self.unigram = Unigram(self.backend) if self.backend and is_unigram(self.backend) else None
        self.unknown = self._unknown(tokenizer)
        self.ctc = "CTC" in type(tokenizer).__name__
        added = tokenizer.added_tokens_decoder.values()
        self.reserved = sorted({token.content for token in added if self._reserves(token)})
        self._spelled: dict[str, bool] = {}

    def _unknown(self, tokenizer: Any) -> str | None:
        if self.unigram:
            return self.unigram.unknown
        return getattr(self.backend.model, "unk_token", None) if self.backend else tokenizer.unk_token

    def _reserves(self, token: Any) -> bool:
        """True if texts with this added token do not follow the pipeline: special, stripping or not normalized."""
        if token.special or token.lstrip or token.rstrip:
            return True
        return not token.normalized and self.normalized_inside(token.content) != token.content

    @cached_property
    def decoders(self) -> set[str]:
        return component_types(self.backend.decoder) if self.backend else set()

    @cached_property
    def keeps_white_space(self) -> bool:
        """True if decoding gives white space back as it was."""
        ends_words = getattr(self.backend.model, "end_of_word_suffix", None) if self.backend else None
        return bool(self.decoders & SPACE_PRESERVING_DECODERS) and not ends_words

    @cached_property
    def separator(self) -> str:
        """Text to put between tested characters, where a long word would be unknown or too long as a whole."""
        if self.reaches_model(" "):
            return ""
        whole = self.backend and type(self.backend.model).__name__ in ("WordPiece", "WordLevel")
        return " " if whole or (self.backend and not self.keeps_white_space) else ""

    @cached_property
    def unknown_id(self) -> int | None:
        return self.vocabulary.get(self.unknown) if self.unknown else None

    @cached_property
    def bytes_missing(self) -> list[int]:
        """Bytes without a token, of a tokenizer that spells unknown characters in bytes."""
        if not self.spells_bytes:
            return []
        missing = [byte for byte in UTF8_BYTES if self.byte_token(byte) not in self.vocabulary]
        # Gemma has a token for the tab itself
        return [byte for byte in missing if byte >= 0x80 or not self.spells(chr(byte))]

    @cached_property
    def spells_bytes(self) -> bool:
        return "ByteLevel" in self.decoders or self.byte_fallback

    @cached_property
    def byte_fallback(self) -> bool:
        """True if the model spells unknown characters in byte tokens (byte_fallback)."""
        if self.unigram:
            return self.unigram.byte_fallback
        return bool(self.backend and getattr(self.backend.model, "byte_fallback", False))

    def byte_token(self, byte: int) -> str:
        return byte_letters()[byte] if "ByteLevel" in self.decoders else f"<0x{byte:02X}>"

    def normalized(self, text: str) -> str:
        normalizer = self.backend.normalizer if self.backend else None
        return str(normalizer.normalize_str(text)) if normalizer else text

    def normalized_inside(self, text: str) -> str:
        """The normalized text when it stands between letters, where nothing is stripped or prepended."""
        without_space, whole = self.normalized("aa"), self.normalized(f"a{text}a")
        start = first_difference(without_space, whole)
        end = first_difference(without_space[start:][::-1], whole[start:][::-1])
        return whole[start : len(whole) - end]

    def reaches_model(self, character: str) -> bool:
        """True if the pre-tokenizer passes the character on to the model."""
        splitter = self.backend.pre_tokenizer if self.backend else None
        if splitter is None:
            return False
        return any(character in piece for piece, _ in splitter.pre_tokenize_str(f"a{character}a"))

    def declared_form(self, text: str) -> str:
        """The declared form: what normalizer, pre-tokenizer and decoder alone make of the text."""
        normalized, decoder = self.normalized(text), self.backend.decoder
        if decoder is None:
            return normalized
        splitter = self.backend.pre_tokenizer
        pieces = [piece for piece, _ in splitter.pre_tokenize_str(normalized)] if splitter else [normalized]
        return str(decoder.decode(pieces))

    def restores(self, text: str) -> bool:
        """True if the decoder gives the normalized text back, apart from white space and its marks."""
        if "CTC" in self.decoders:  # merges repeated letters on purpose
            return True
        return without_space(self.declared_form(text)) == without_space(self.normalized(text))

    def decoder_rewrites(self, character: str) -> bool:
        """True if the decoder changes a character other than white space and its marks."""
        if character.isspace() or character in SPACE_MARKS:
            return False
        return self.declared_form(character).strip() != self.normalized(character).strip().lstrip(SPACE_MARKS)

    def comparable(self, text: str) -> str:
        """The part of a decoded text that must agree: all of it, or all but white space."""
        return self.without_repeats(text if self.keeps_white_space else "".join(text.split()))

    def without_repeats(self, text: str) -> str:
        """The text without repeated characters, if the class decodes the frames of a speech model (CTC)."""
        return re.sub(r"(.)\1+", r"\1", text, flags=re.DOTALL) if self.ctc else text

    def spellable(self, text: str) -> str:
        """The text without characters that the vocabulary cannot spell, and without reserved tokens."""
        spelled = self._short_words("".join(character for character in text if self.spells(character)))
        return "" if any(token in spelled for token in self.reserved) else spelled

    def _short_words(self, text: str) -> str:
        """The text with spaces in words that are longer than WordPiece declares to split."""
        limit = getattr(self.backend.model, "max_input_chars_per_word", None) if self.backend else None
        if limit and any(len(self.normalized(word)) > limit for word in text.split()):
            return re.sub(rf"(\S{{{max(1, limit // 4)}}})", r"\1 ", text)
        return text

    def spells_all(self, text: str) -> bool:
        return all(map(self.spells, text))

    def spelled(self, characters: Iterable[str]) -> set[str]:
        """The characters that the vocabulary can spell; most others are excluded in bulk."""
        likely = set(characters)
        if self.spells_bytes and self.bytes_missing:
            missing = frozenset(self.bytes_missing)
            if _missing_lead_bytes("".join(likely), missing) == len(likely):
                likely &= self.vocabulary.keys()
            likely = {each for each in likely if each in self.vocabulary or missing.isdisjoint(each.encode())}
        elif not self.spells_bytes:
            likely &= self.vocabulary.keys()
        return {each for each in likely if self.spells(each)}

    def spells(self, character: str) -> bool:
        if character not in self._spelled:
            self._spelled[character] = self._spells(self.normalized(character) or self.normalized_inside(character))
        return self._spelled[character]

    def _spells(self, normalized: str) -> bool:
        if "ByteLevel" in self.decoders:
            return all(self.byte_token(byte) in self.vocabulary for byte in normalized.encode())
        return all(self._known(character) for character in normalized if not self._dropped(character))

    def _known(self, character: str) -> bool:
        written = "▁" if character == " " else character
        if "WordPiece" in self.decoders:
            return {written, f"##{written}"} <= self.vocabulary.keys()
        if written in self.vocabulary:
            return True
        return self.spells_bytes and all(self.byte_token(byte) in self.vocabulary for byte in character.encode())

    def _dropped(self, character: str) -> bool:
        """True for white space between words that the decoder does not give back."""
        return not self.keeps_white_space and character.isspace() and not self.reaches_model(character)

    @property
    def capitals_without_lower_casing(self) -> bool:
        """True if the vocabulary spells a to z but not A to Z, and no normalizer lower-cases."""
        if not self.backend or self.spells("A") or not self.spells("a"):
            return False
        return all(self.spells(letter) and not self.spells(letter.upper()) for letter in "abcdefghiklmnoprstuvw")


def without_space(text: str) -> str:
    """A text without white space and its mark."""
    return "".join(text.replace("▁", " ").split())


def is_unigram(backend: Any) -> bool:
    return type(backend.model).__name__ == "Unigram"


class Unigram:
    """Unknown token and byte fallback of a Unigram model, found by trial: the library does not expose them."""

    def __init__(self, backend: Any):
        try:
            found = backend.model.tokenize(next(each for each in NONCHARACTERS if backend.token_to_id(each) is None))
        except Exception:  # no unk_id
            found = []
        self.byte_fallback = bool(found) and all(token.value.startswith("<0x") for token in found)
        self.unknown: str | None = backend.id_to_token(found[0].id) if found and not self.byte_fallback else None


def _missing_lead_bytes(characters: str, missing: frozenset[int]) -> int:
    """Number of the characters whose first byte is missing; each has at most one such byte."""
    written = characters.encode()
    return sum(written.count(byte) for byte in missing if byte < 0x80 or byte >= 0xC2)


def component_types(component: Any) -> set[str]:
    """Types of the parts of a component of the `tokenizers` library."""
    found: set[str] = set()

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            found.update([node["type"]] if isinstance(node.get("type"), str) else [])
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    walk(component_state(component))
    return found


def component_state(component: Any) -> Any:
    """The settings of a component, as `tokenizer.json` writes them; None without a component."""
    if component is None:
        return None
    try:
        return json.loads(component.__getstate__())
    except Exception:  # a component written in Python
        return {"type": "Custom"}
