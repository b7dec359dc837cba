"""Encoding and decoding of many texts in few calls, through the backend where the wrapper adds nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fixtures.machine.machine import all_cores
from suites.tokenizers.encoding import panics_as_errors

SAMPLE = "A probe, isn't it ? Two words."


class BatchCodec:
    """Encodes and decodes lists of texts without added tokens, skipped tokens or clean-up.

    Texts are encoded by the backend if there is one. Ids are decoded by it unless the wrapper has its own decode.
    """

    def __init__(self, tokenizer: Any):
        self.tokenizer = tokenizer
        self.backend: Any = getattr(tokenizer, "backend_tokenizer", None)
        if self.backend is not None:
            self.backend.no_truncation()
            self.backend.no_padding()
        self.fast = self.backend is not None
        self.decodes_directly = self.fast and self._wrapper_agrees()

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        if not self.fast:
            return [list(self.tokenizer.encode(text, add_special_tokens=False)) for text in texts]
        with panics_as_errors(), all_cores():
            return [each.ids for each in self.backend.encode_batch_fast(list(texts), add_special_tokens=False)]

    def decode(self, ids: Sequence[Sequence[int]]) -> list[str]:
        if self.decodes_directly:
            with all_cores():
                return list(self.backend.decode_batch([list(each) for each in ids], skip_special_tokens=False))
        return [self._decode_one(each) for each in ids]

    def round_trip(self, texts: Sequence[str]) -> list[str]:
        """Each text, encoded and decoded."""
        return self.decode(self.encode(texts))

    def _decode_one(self, ids: Sequence[int]) -> str:
        return str(self.tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False))

    def _wrapper_agrees(self) -> bool:
        """True if the wrapper decodes a sample as the backend does."""
        ids = self.backend.encode(SAMPLE, add_special_tokens=False).ids
        return self._decode_one(ids) == str(self.backend.decode_batch([ids], skip_special_tokens=False)[0])
