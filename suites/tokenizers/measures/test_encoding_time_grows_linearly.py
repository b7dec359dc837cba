from __future__ import annotations

from functools import partial
from typing import Any

from fixtures.session.uses import uses
from suites.evidence import escaped
from suites.findings import Hazard
from suites.tokenizers.measures.throughput import processor_seconds
from suites.tokenizers.measures.time_by_length import LONGEST, TEXT_KINDS, TimeByLength
from suites.tokenizers.rules import steps
from suites.tokenizers.tokenization_pipeline import pipeline

SLOW = 0.5
"""Seconds of processor time below which growth does not matter."""

STEEP = 1.5
"""Exponent that caches and logarithms do not explain."""


@uses("training", "serving", worst="hazard")
def test_encoding_time_grows_linearly(tokenizer: Any, profile: str) -> None:
    """The time to encode a text grows linearly with its length, for every kind of text.

    Why: otherwise one long run of letters, spaces or digits in a user's text or a data set blocks a server or a
        training job for minutes.
    Fix: In the rule of tokenizer.json that the evidence names, rewrite regular expressions with nested quantifiers; or
        add a pre-tokenizer that splits long texts.
    Source: https://github.com/huggingface/tokenizers/issues/1449;
        https://github.com/huggingface/transformers/issues/28629;
        https://github.com/huggingface/tokenizers/pull/2060
    """
    for kind, make in TEXT_KINDS.items():
        growth = TimeByLength.of(tokenizer, make, longest=LONGEST[profile], slow=SLOW)
        if steep(growth) and steep(growth.repeat()):
            raise _hazard(tokenizer, kind, growth)


def steep(growth: TimeByLength) -> bool:
    return growth.steep(slow=SLOW, exponent=STEEP)


def _hazard(tokenizer: Any, kind: str, growth: TimeByLength) -> Hazard:
    length, exponent = growth.length, growth.exponent(growth.length)
    text, rule = growth.make(24), slowest_rule(tokenizer, growth.make(length))
    return Hazard(
        f"Encoding {length:,} characters of {kind} takes {growth.seconds[length]:.1f} s of CPU time and grows with the "
        f"length to the power of {exponent:.1f}; {rule} takes most of the time.",
        evidence={
            "text": f"{escaped(text)}, but {length:,} characters",
            "rule": rule,
            "exponent": round(exponent, 2),
            "seconds by length": {str(size): round(growth.seconds[size], 4) for size in sorted(growth.seconds)},
        },
    )


def slowest_rule(tokenizer: Any, text: str) -> str:
    """The first step of normalizer or pre-tokenizer that takes over a third of the time, else the model."""
    backend = pipeline(tokenizer).backend
    if backend is None:
        return f"the class {type(tokenizer).__name__}, written in Python,"
    whole = processor_seconds(lambda: tokenizer.encode(text, add_special_tokens=False))
    runs = [(path, step, step.normalize_str) for path, step in steps("normalizer", backend.normalizer)]
    runs += [(path, step, step.pre_tokenize_str) for path, step in steps("pre_tokenizer", backend.pre_tokenizer)]
    for path, step, run in runs:
        if processor_seconds(partial(run, text)) > whole / 3:
            return f"{path} ({type(step).__name__})"
    return f"the model ({type(backend.model).__name__})"
