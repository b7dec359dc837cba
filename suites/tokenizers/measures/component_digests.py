"""Digests of the components of a tokenizer that determine its ids."""

from __future__ import annotations

import hashlib
from typing import Any

from suites.tokenizers.tokenization_pipeline import component_state

COMPONENTS = ("normalizer", "pre_tokenizer", "post_processor", "decoder")


def digests(tokenizer: Any) -> dict[str, str]:
    """Component name to a short description with a digest; equal descriptions mean equal components."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    described = {"class": type(tokenizer).__name__, "added_tokens": _added(tokenizer)}
    if backend is None:
        return described | {"vocabulary": _vocabulary(tokenizer)}
    described |= {name: _component(getattr(backend, name)) for name in COMPONENTS}
    return described | {"model": f"{type(backend.model).__name__}, {_digest(backend.model.__getstate__())}"}


def _component(component: Any) -> str:
    declared = component_state(component)
    return f"{' + '.join(_types(declared)) or 'none'}, {_digest(repr(declared).encode())}"


def _types(node: Any) -> list[str]:
    """Types of the steps in order, without the sequences that hold them."""
    if isinstance(node, dict):
        own = [node["type"]] if isinstance(node.get("type"), str) and node["type"] != "Sequence" else []
        return own + [each for value in node.values() if isinstance(value, list) for each in _types(value)]
    return [each for value in node for each in _types(value)] if isinstance(node, list) else []


def _added(tokenizer: Any) -> str:
    decoder = tokenizer.added_tokens_decoder
    listed = [(index, repr(decoder[index])) for index in sorted(decoder)]
    return f"{len(listed)} tokens, {_digest(repr(listed).encode())}"


def _vocabulary(tokenizer: Any) -> str:
    entries = sorted((index, str(token)) for token, index in tokenizer.get_vocab().items())
    return f"{len(entries)} entries, {_digest(repr(entries).encode())}"


def _digest(content: bytes | str) -> str:
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()[:12]
