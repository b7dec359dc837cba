"""Promise: no text takes for ever."""

from __future__ import annotations

from typing import Any

from suites.findings import Hazard
from suites.tokenizers.evidence import escaped
from suites.tokenizers.measures.growth import KINDS, LONGEST, Growth
from suites.tokenizers.rules import rule_behind

SLOW = 0.25
"""Seconds of processor time that a text must take before its growth matters."""

STEEP = 1.5
"""Exponent above which time grows faster than the text, beyond what caches and logarithms explain."""


def test_encoding_time_grows_linearly(tokenizer: Any, profile: str) -> None:
    """Four times the text takes about four times as long to encode, whatever the text is.

    Why: one long run of letters, spaces or digits in a user's text or in a data set then blocks a server, or a
        training job, for minutes.
    Fix: Find the rule of tokenizer.json that the evidence names: rewrite a regular expression with nested quantifiers,
        or add a pre-tokenizer that cuts long texts.
    Source: https://github.com/huggingface/tokenizers/issues/1449;
        https://github.com/huggingface/transformers/issues/28629;
        https://github.com/huggingface/tokenizers/pull/2060
    """
    for kind, make in KINDS.items():
        growth = Growth.of(tokenizer, make, longest=LONGEST[profile], slow=SLOW)
        if steep(growth) and steep(growth.again()):
            raise _hazard(tokenizer, kind, growth)


def steep(growth: Growth) -> bool:
    return growth.steep(slow=SLOW, exponent=STEEP)


def _hazard(tokenizer: Any, kind: str, growth: Growth) -> Hazard:
    length, exponent = growth.length, growth.exponent(growth.length)
    text, rule = growth.make(24), rule_behind(tokenizer, growth.make(24))
    return Hazard(
        f"Encoding {length:,} characters of {kind} takes {growth.seconds[length]:.1f} s of CPU time, which grows with "
        f"the length to the power of {exponent:.1f}; {rule} is the first rule that touches them.",
        evidence={"text": f"{escaped(text)}, but {length:,} characters", "rule": rule, "exponent": round(exponent, 2),
                  "seconds by length": {str(size): round(growth.seconds[size], 4) for size in sorted(growth.seconds)}},
    )  # fmt: skip
