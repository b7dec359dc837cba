"""Causes of a difference between a loaded tokenizer and its `tokenizer.json`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from suites.tokenizers.files.class_overrides import ENCODING, override_clause


def ids_cause(tokenizer: Any, file: Any, text: str) -> str:
    """A clause with the cause of other ids."""
    found = (
        dropout_clause(file) or override_clause(tokenizer, file, ENCODING) or added_token_clause(tokenizer, file, text)
    )
    return found or "its vocabulary, merges or added tokens differ"


def text_cause(tokenizer: Any, file: Any, text: str, ids: Sequence[int]) -> str:
    """A clause with the cause of another text for the same ids."""
    if wraps_decode(tokenizer, ids):
        return "the class has a decode of its own, which does not return the text of the backend"
    return (
        override_clause(tokenizer, file, ("decoder",))
        or added_token_clause(tokenizer, file, text)
        or "its added tokens differ"
    )


def dropout_clause(file: Any) -> str:
    dropout = getattr(file.model, "dropout", None)
    return f"its model.dropout of {dropout:.2g} skips merges at random in every call" if dropout else ""


def added_token_clause(tokenizer: Any, file: Any, text: str) -> str:
    """A clause about an added token of the text that only the loaded tokenizer has; empty for none."""
    known = {token.content for token in file.get_added_tokens_decoder().values()}
    more = [str(token) for token in tokenizer.added_tokens_decoder.values() if str(token) not in known]
    found = next((token for token in more if token in text), None)
    if found is None:
        return ""
    names = [name for name, value in tokenizer.special_tokens_map.items() if str(value) == found]
    return f"{found!r} is an added token{f' ({names[0]})' if names else ''} as loaded, but not in the file"


def wraps_decode(tokenizer: Any, ids: Sequence[int]) -> bool:
    """True if the class decodes to other text than its backend, as CLIP's does."""
    backend = tokenizer.backend_tokenizer
    options = {"skip_special_tokens": False}
    own = str(type(backend).decode(backend, list(ids), **options))
    return str(tokenizer.decode(list(ids), clean_up_tokenization_spaces=False, **options)) != own
