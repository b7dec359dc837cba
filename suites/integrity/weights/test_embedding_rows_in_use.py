from __future__ import annotations

from collections.abc import Collection
from typing import Any

from fixtures.inputs import tokenizer_corpus
from fixtures.models.weight_statistics import TensorStatistics
from fixtures.session.uses import uses
from suites.findings import Blocked, Defect, Hazard
from suites.integrity.tensor_names import INPUT, OUTPUTS, embedding

ORDINARY_SECTIONS = ("english", "contractions", "python", "json")
MIN_NORM = 0.01
"""Share of the median norm. Initial rows, and rows of tokens never seen in training, are larger (see the paper)."""
MAX_NORM = 100.0
"""Times the median norm. The largest row of SmolLM2 has 3 times, of MiniLM 2 times the median."""
SHOWN_TOKENS = 8


@uses("loading")
def test_embedding_rows_in_use(
    weight_statistics: dict[str, TensorStatistics], tokenizer: Any, embedding_rows: int
) -> None:
    """No token of ordinary English text or code has an embedding of zeros or of one repeated number.

    Why: such a token means nothing to the model, or is never generated; the rest of the text hides it. Rows that are
        reserved, for padding or beyond the vocabulary may be zero.
    Fix: copy the rows from the original checkpoint; after resizing, initialise and train them.
    Source: https://arxiv.org/abs/2405.05417 (untrained tokens found by their embeddings)
    """
    ids = _in_use(tokenizer)
    for endings, where in ((INPUT, "input"), (OUTPUTS, "output")):
        matrix = embedding(weight_statistics, endings, max(len(tokenizer), embedding_rows))
        if matrix is not None and matrix.rows is not None and not matrix.constant:
            _must_be_trained(matrix, [each for each in ids if each < len(matrix.rows)], tokenizer, where)
            _must_not_be_huge(matrix, tokenizer, where)


def _must_not_be_huge(matrix: TensorStatistics, tokenizer: Any, where: str) -> None:
    """Raises Defect for rows far larger than the others, which then dominate logits and attention."""
    __tracebackhide__ = True
    import numpy

    assert matrix.rows is not None
    typical = float(numpy.median(matrix.rows))
    large = [int(number) for number in (matrix.rows > MAX_NORM * typical).nonzero()[0]]
    if typical and large and len(large) < len(matrix.rows) / 10:
        times = float(matrix.rows[large[0]]) / typical
        raise Defect(
            f"{_named(tokenizer, large)}: the {where} embedding is {times:,.0f} times as large as most others "
            f"({matrix.tensor.name}).",
            evidence={"tensor": matrix.tensor.name, "ids": large[:100], "median": typical},
        )


def _in_use(tokenizer: Any) -> list[int]:
    """Returns the ids of sample texts in English and code, without special tokens."""
    texts = [
        text
        for name, text in tokenizer_corpus.lines().items()
        if tokenizer_corpus.section_of(name) in ORDINARY_SECTIONS
    ]
    try:
        found = {number for text in texts for number in tokenizer.encode(text, add_special_tokens=False)}
    except Exception as error:
        kind = type(error).__name__
        summary = f"the tokenizer fails on English text with {kind}, so the tokens in use are not known"
        raise Blocked("tokenizers/round-trip", summary) from error
    return sorted(found - {*(getattr(tokenizer, "all_special_ids", None) or [])})


def _must_be_trained(matrix: TensorStatistics, ids: list[int], tokenizer: Any, where: str) -> None:
    __tracebackhide__ = True
    import numpy

    assert matrix.rows is not None
    typical, constant = float(numpy.median(matrix.rows)), set(matrix.constant_rows)
    empty = [number for number in ids if number in constant]
    small = [number for number in ids if matrix.rows[number] < MIN_NORM * typical]
    found = empty or small
    if not found or not typical:
        return
    what = "only zeros" if not matrix.rows[found].any() else "one number throughout" if empty else "almost only zeros"
    kind = Defect if empty else Hazard
    raise kind(
        f"{_named(tokenizer, found)} occurs in ordinary text, but its {where} embedding holds {what} "
        f"({matrix.tensor.name}).",
        evidence={
            "tensor": matrix.tensor.name,
            "ids": found[:100],
            "tokens": _tokens(tokenizer, found),
            "of the tokens in use": len(ids),
            "median": typical,
        },
    )


def _named(tokenizer: Any, ids: Collection[int]) -> str:
    shown = [f"{token} (id {number})" for token, number in zip(_tokens(tokenizer, ids), ids, strict=False)]
    return ", ".join(shown[:3]) + (f" and {len(ids) - 3} more" if len(ids) > 3 else "")


def _tokens(tokenizer: Any, ids: Collection[int]) -> list[str]:
    return [str(token) for token in tokenizer.convert_ids_to_tokens(list(ids)[:SHOWN_TOKENS])]
