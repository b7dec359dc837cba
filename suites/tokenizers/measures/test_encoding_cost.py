from __future__ import annotations

from typing import Any

from fixtures.inputs import tokenizer_corpus
from fixtures.session.uses import uses
from suites.findings import Record
from suites.tokenizers.encoding import encode
from suites.tokenizers.measures.throughput import Throughput

PLAIN = ("emoji", "mathematics", "digits")


@uses("text", worst="nothing")
def test_encoding_cost(tokenizer: Any, record: Record) -> None:
    """Tokens per character and per word in many scripts, and the speed of encoding and decoding, are measured.

    Why: a script that needs three times the tokens costs three times the money, time and context; a slow tokenizer
        delays training and serving.
    Fix: Nothing is wrong; compare the numbers with those of another model before choosing it for a language.
    Source: https://arxiv.org/abs/2305.15425
    """
    ids = {name: encode(tokenizer, text) for name, text in tokenizer_corpus.lines().items()}
    for title, names in groups().items():
        _record(record, title, names, ids)
    _speed(record, Throughput.of(tokenizer, list(tokenizer_corpus.lines().values()), list(ids.values())))


def groups() -> dict[str, list[str]]:
    """Names of the corpus texts that are counted together: each language, code, some other kinds, everything."""
    names = list(tokenizer_corpus.lines())
    single = [*sorted(tokenizer_corpus.LANGUAGES), *PLAIN]
    grouped = {each: [name for name in names if tokenizer_corpus.section_of(name) == each] for each in single}
    code = [name for name in names if tokenizer_corpus.section_of(name) in tokenizer_corpus.CODE]
    return grouped | {"code": code, "everything": names}


def _record(record: Record, title: str, names: list[str], ids: dict[str, list[int]]) -> None:
    """Records tokens per character and, for languages with spaces, per word."""
    texts, tokens = [tokenizer_corpus.lines()[name] for name in names], sum(len(ids[name]) for name in names)
    units = {"character": sum(map(len, texts))}
    if title in tokenizer_corpus.LANGUAGES - tokenizer_corpus.WITHOUT_SPACES:
        units["word"] = sum(len(text.split()) for text in texts)
    for unit, many in units.items():
        name = f"tokenizer.tokens_per_{unit}.{title}"
        record.metric(
            name, tokens / many, f"tokens/{unit}", better="lower", samples=many, version=tokenizer_corpus.version()
        )


def _speed(record: Record, speed: Throughput) -> None:
    """Records the speed for display only; an upgrade comparison times both sides in pairs."""
    for name, (value, low, high) in speed.per_second().items():
        record.metric(
            f"tokenizer.{name}_speed",
            value,
            "characters/s of CPU time",
            better="higher",
            samples=speed.rounds,
            interval=(low, high),
            compared=False,
            version=tokenizer_corpus.version(),
        )
