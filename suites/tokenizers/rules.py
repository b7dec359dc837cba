"""The rule of `tokenizer.json` that most likely changes or loses a text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from suites.tokenizers.batch_codec import BatchCodec
from suites.tokenizers.tokenization_pipeline import Pipeline, component_state, component_types, pipeline, without_space

INVERTING_DECODERS = ("ByteLevel", "ByteFallback", "Fuse", "Metaspace")
"""Decoders that only undo what normalizer or pre-tokenizer did."""
PATTERN_LIMIT = 40
"""Characters of a pattern that a finding shows."""


def rule_behind(tokenizer: Any, text: str) -> str:
    """The rule that most likely changes or loses the text, as its path in `tokenizer.json` with its type.

    If the round trip loses characters, this is the step that loses them; otherwise the first step that changes the
    text.
    """
    declared = pipeline(tokenizer)
    if declared.backend is None:
        return f"{type(tokenizer).__name__}, which has no tokenizer.json"
    try:
        return losing_step(tokenizer, declared, text) or first_changing_step(declared, text)
    except Exception:  # a step fails on this text
        return first_changing_step(declared, text)


def losing_step(tokenizer: Any, declared: Pipeline, text: str) -> str | None:
    """The step that loses characters of the text; None if all come back, or if no step accounts for it."""
    backend, codec = declared.backend, BatchCodec(tokenizer)
    ids = codec.encode([text])[0]
    gone = visible_characters(text) - visible_characters(codec.decode([ids])[0])
    if "ByteLevel" in declared.decoders - component_types(backend.pre_tokenizer) - component_types(backend.normalizer):
        return "pre_tokenizer (no ByteLevel, which the decoder undoes)"
    if not gone:
        return None if declared.restores(text) else rewriting_decoder(declared, text)
    now = text
    for path, step in steps("normalizer", backend.normalizer):
        now, before = step.normalize_str(now), now
        if (visible_characters(before) & gone) - visible_characters(now):
            return step_label(path, step)
    for path, step in steps("pre_tokenizer", backend.pre_tokenizer):
        if removes_text(step, now):
            return step_label(path, step)
    if declared.unknown_id in ids or not declared.spells_all(text):
        return step_label("model", backend.model)
    for path, step in steps("decoder", backend.decoder):
        if rewrites(step, gone):
            return step_label(path, step)
    return None


def rewriting_decoder(declared: Pipeline, text: str) -> str | None:
    """The step of the decoder that changes characters of the normalized text."""
    now = declared.normalized(text).replace(" ", "▁")
    for path, step in steps("decoder", declared.backend.decoder):
        if type(step).__name__ not in INVERTING_DECODERS and without_space(step.decode([now])) != without_space(now):
            return step_label(path, step)
    return None


def first_changing_step(declared: Pipeline, text: str) -> str:
    """The first step that changes the text (normalizer) or splits it (pre-tokenizer), else the model."""
    backend = declared.backend
    for path, step in steps("normalizer", backend.normalizer):
        if step.normalize_str(text) != text:
            return step_label(path, step)
    for path, step in steps("pre_tokenizer", backend.pre_tokenizer):
        if [piece for piece, _ in step.pre_tokenize_str(text)] != [text]:
            return step_label(path, step)
    return step_label("model", backend.model)


def visible_characters(text: str) -> set[str]:
    """The characters of a text without white space and its marks."""
    return {each for each in text if not each.isspace() and each not in "▁Ġ"}


def removes_text(step: Any, text: str) -> bool:
    """True if the pieces of a pre-tokenizer leave out part of the text that is not white space."""
    covered: set[int] = set()
    for _, (start, end) in step.pre_tokenize_str(text):
        covered.update(range(start, end))
    return any(number not in covered and not each.isspace() for number, each in enumerate(text))


def rewrites(step: Any, gone: set[str]) -> bool:
    """True if a step of the decoder changes one of these characters."""
    return type(step).__name__ not in INVERTING_DECODERS and any(
        each not in step.decode(["x", each, "x"]) for each in gone
    )


def step_label(path: str, step: Any) -> str:
    """Path, type and pattern of a step; a long pattern is shortened."""
    settings = component_state(step) if path != "model" else {}
    pattern = settings.get("pattern", settings.get("content")) if isinstance(settings, dict) else None
    shown = next(iter(pattern.values()), None) if isinstance(pattern, dict) else pattern
    if not shown:
        return f"{path} ({type(step).__name__})"
    written = ascii(shown)
    cut = written if len(written) <= PATTERN_LIMIT else f"{written[:PATTERN_LIMIT]}…"
    return f"{path} ({type(step).__name__} {cut})"


def steps(name: str, component: Any) -> Iterator[tuple[str, Any]]:
    """The steps of a component, each with its path in `tokenizer.json`."""
    if component is None:
        return
    if type(component).__name__ != "Sequence":
        yield name, component
        return
    inner = f"{name.replace('_', '')}s"
    for number, settings in enumerate(component_state(component)[inner]):
        yield f"{name}.{inner}[{number}]", step_at(name, component, number, settings)


def step_at(name: str, component: Any, number: int, settings: dict[str, Any]) -> Any:
    """A step of a sequence; a sequence of decoders cannot be indexed, so its step is rebuilt from its settings."""
    if name != "decoder":
        return component[number]
    from tokenizers import Tokenizer, models

    whole = Tokenizer(models.BPE())
    return Tokenizer.from_str(whole.to_str().replace('"decoder":null', f'"decoder":{json.dumps(settings)}')).decoder
