"""Which rule of `tokenizer.json` most likely decides what becomes of a text."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from suites.tokenizers.declared import Pipeline, bare, kinds, pipeline, state
from suites.tokenizers.trips import Trips

INVERSE = ("ByteLevel", "ByteFallback", "Fuse", "Metaspace")
"""Decoders that undo what went before them and nothing else."""
LONGEST = 40
"""Characters of a pattern that are shown."""


def rule_behind(tokenizer: Any, text: str) -> str:
    """The rule that most likely alters or loses the text, as its path in `tokenizer.json` with its type.

    Where the round trip changes the text: the step of the pipeline in which what is missing afterwards was still
    there before. Where it does not: the first step that touches the text.
    """
    declared = pipeline(tokenizer)
    if declared.backend is None:
        return f"{type(tokenizer).__name__}, which has no tokenizer.json"
    try:
        return loser(tokenizer, declared, text) or toucher(declared, text)
    except Exception:  # a step that fails on the text is worth more than none
        return toucher(declared, text)


def loser(tokenizer: Any, declared: Pipeline, text: str) -> str | None:
    """The step that takes characters away which do not come back; None where all come back, or none is to blame."""
    backend, trips = declared.backend, Trips(tokenizer)
    ids = trips.ids([text])[0]
    gone = letters(text) - letters(trips.texts([ids])[0])
    if "ByteLevel" in declared.decoders - kinds(backend.pre_tokenizer) - kinds(backend.normalizer):
        return "pre_tokenizer (no ByteLevel, which the decoder undoes)"
    if not gone:
        return None if declared.faithful(text) else writer(declared, text)
    now = text
    for path, step in steps("normalizer", backend.normalizer):
        now, before = step.normalize_str(now), now
        if (letters(before) & gone) - letters(now):
            return named(path, step)
    for path, step in steps("pre_tokenizer", backend.pre_tokenizer):
        if is_removing(step, now):
            return named(path, step)
    if declared.unknown_id in ids or not declared.spells_all(text):
        return named("model", backend.model)
    for path, step in steps("decoder", backend.decoder):
        if rewrites(step, gone):
            return named(path, step)
    return None


def writer(declared: Pipeline, text: str) -> str | None:
    """The step of the decoder that writes other characters than the normalized text has."""
    now = declared.normalized(text).replace(" ", "▁")
    for path, step in steps("decoder", declared.backend.decoder):
        if type(step).__name__ not in INVERSE and bare(step.decode([now])) != bare(now):
            return named(path, step)
    return None


def toucher(declared: Pipeline, text: str) -> str:
    """The first step that changes the text (normalizer) or cuts it (pre-tokenizer), else the model."""
    backend = declared.backend
    for path, step in steps("normalizer", backend.normalizer):
        if step.normalize_str(text) != text:
            return named(path, step)
    for path, step in steps("pre_tokenizer", backend.pre_tokenizer):
        if [piece for piece, _ in step.pre_tokenize_str(text)] != [text]:
            return named(path, step)
    return named("model", backend.model)


def letters(text: str) -> set[str]:
    """The characters of a text; white space and its marks come and go."""
    return {each for each in text if not each.isspace() and each not in "▁Ġ"}


def is_removing(step: Any, text: str) -> bool:
    """Whether a pre-tokenizer's pieces leave out something of the text that is not white space."""
    covered: set[int] = set()
    for _, (start, end) in step.pre_tokenize_str(text):
        covered.update(range(start, end))
    return any(number not in covered and not each.isspace() for number, each in enumerate(text))


def rewrites(step: Any, gone: set[str]) -> bool:
    """Whether a decoder's step makes something else of one of these characters."""
    return type(step).__name__ not in INVERSE and any(each not in step.decode(["x", each, "x"]) for each in gone)


def named(path: str, step: Any) -> str:
    """Path, type and, where it has one, the pattern of a step, cut when long."""
    said = state(step) if path != "model" else {}
    pattern = said.get("pattern", said.get("content")) if isinstance(said, dict) else None
    shown = next(iter(pattern.values()), None) if isinstance(pattern, dict) else pattern
    if not shown:
        return f"{path} ({type(step).__name__})"
    written = ascii(shown)
    cut = written if len(written) <= LONGEST else f"{written[:LONGEST]}…"
    return f"{path} ({type(step).__name__} {cut})"


def steps(name: str, component: Any) -> Iterator[tuple[str, Any]]:
    """The steps of a component, each with its path in `tokenizer.json`."""
    if component is None:
        return
    if type(component).__name__ != "Sequence":
        yield name, component
        return
    inner = f"{name.replace('_', '')}s"
    for number, said in enumerate(state(component)[inner]):
        yield f"{name}.{inner}[{number}]", step_of(name, component, number, said)


def step_of(name: str, component: Any, number: int, said: dict[str, Any]) -> Any:
    """A step of a sequence; a sequence of decoders gives none out, so it is made again from its state."""
    if name != "decoder":
        return component[number]
    from tokenizers import Tokenizer, models

    whole = Tokenizer(models.BPE())
    return Tokenizer.from_str(whole.to_str().replace('"decoder":null', f'"decoder":{json.dumps(said)}')).decoder
