"""`tokenizer.json`, read by the `tokenizers` library without transformers."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from suites.findings import Refused


@dataclass(frozen=True)
class TokenizerFile:
    """The tokenizer of a file, with its truncation and padding taken out."""

    tokenizer: Any
    truncation: dict[str, Any] | None
    padding: dict[str, Any] | None

    @property
    def added(self) -> dict[str, Any]:
        """Added tokens by content; a class or tokenizer_config.json may declare more."""
        return {token.content: token for token in self.tokenizer.get_added_tokens_decoder().values()}


def read_tokenizer_json(file: Path) -> TokenizerFile:
    """Reads a file once for all checks of a subject (0.3 s for 150,000 entries); do not modify the result."""
    return _read(file, file.stat().st_mtime_ns)


@lru_cache(maxsize=1)
def _read(file: Path, _changed: int) -> TokenizerFile:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(file))
    except Exception as error:  # the library raises Exception itself
        raise Refused(f"the library tokenizers cannot read {file.name}: {error}") from None
    found = TokenizerFile(tokenizer, tokenizer.truncation, tokenizer.padding)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return found


def read_section(file: Path, name: str) -> Any:
    """One top-level value of `tokenizer.json`, or None; does not parse the model, which may be large."""
    text = file.read_text(encoding="utf-8")
    head, model, _ = text.partition('"model"')
    start = head.find(f'"{name}"')
    try:
        if start >= 0 and model:
            value = head[start + len(name) + 2 :].lstrip().removeprefix(":").lstrip()
            return json.JSONDecoder().raw_decode(value)[0]
        return json.loads(text).get(name)
    except (ValueError, AttributeError):
        return None
