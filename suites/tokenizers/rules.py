"""Which rule of `tokenizer.json` most likely decides what becomes of a text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from suites.tokenizers.declared import pipeline, state


def rule_behind(tokenizer: Any, text: str) -> str:
    """The first rule that touches the text, as its path in `tokenizer.json` with its type.

    A step of the normalizer that changes it, else the step of the pre-tokenizer that cuts it, else the model.
    """
    backend = pipeline(tokenizer).backend
    if backend is None:
        return f"{type(tokenizer).__name__}, which has no tokenizer.json"
    for path, step in steps("normalizer", backend.normalizer):
        if step.normalize_str(text) != text:
            return f"{path} ({type(step).__name__})"
    for path, step in steps("pre_tokenizer", backend.pre_tokenizer):
        if [piece for piece, _ in step.pre_tokenize_str(text)] != [text]:
            return f"{path} ({type(step).__name__})"
    return f"model ({type(backend.model).__name__})"


def steps(name: str, component: Any) -> Iterator[tuple[str, Any]]:
    """The steps of a component, each with its path in `tokenizer.json`."""
    if component is None:
        return
    if type(component).__name__ != "Sequence":
        yield name, component
        return
    inner = f"{name.replace('_', '')}s"
    for number in range(len(state(component)[inner])):
        yield f"{name}.{inner}[{number}]", component[number]
