from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fixtures.inputs.items import Instruction, Items
from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from fixtures.text.differences import first_difference
from suites.findings import Defect, Record, Unsupported
from suites.intervals import bootstrap, mcnemar, wilson
from suites.quantization.fidelity import accuracy
from suites.running import answers, generate
from suites.running.answers import Answer
from suites.scoring import dequantized
from suites.scoring import items as scored_items

SIGNIFICANT = 0.01
"""p-value below which the loss of answers is not chance: eight of eight is enough."""
MOST = 0.75
"""Share of the full model's valid answers: a loss of fewer is no defect."""
Pair = tuple[Answer[Instruction], Answer[Instruction]]
"""Answers of the full model and of the variant."""
EXAMPLES = 12


@needs("continues_text")
@uses("quantization")
def test_answers_kept(
    subject: Subject,
    loaded: Loaded,
    reference: Loaded,
    tokenizer: Any,
    items: Items,
    profile: str,
    memory_left: int,
    record: Record,
) -> None:
    """A quantized or cast model still answers, without loops, and keeps most of what the full one knows.

    Why: greedy answers differ from those of the full model sooner or later, which is no defect. Answers that are empty,
        wrong or endless are, and the perplexity may not show them.
    Fix: compare the answers in the report; use a finer scheme, or keep the most sensitive layers in full precision.
    Source: https://arxiv.org/abs/2407.09141 (flipped answers as a metric besides accuracy);
        https://aclanthology.org/W15-3049 (chrF: similarity of texts in characters)
    """
    with generate.refusals("A forward pass"):
        dequantized.prepare(loaded, reference, tokenizer, memory_left)
    full, other = (
        dict(scored_items.marks(reference, tokenizer, items)),
        dict(scored_items.marks(loaded, tokenizer, items)),
    )
    try:
        theirs = answers.to_instructions(subject, tokenizer, reference, items, profile)
        mine = answers.to_instructions(subject, tokenizer, loaded, items, profile)
    except Unsupported:
        accuracy.record(record, full, other, items.version)
        accuracy.refuse_lost_accuracy(full, other)
        raise
    if any(each.asked.rules for each in theirs):
        full["instructions"], other["instructions"] = (scored_items.instruction_marks(each) for each in (theirs, mine))
    accuracy.record(record, full, other, items.version)
    pairs = list(zip(theirs, mine, strict=True))
    _record(record, pairs, items.version)
    refuse_lost_answers(pairs)
    accuracy.refuse_lost_accuracy(full, other)


def _record(record: Record, pairs: Sequence[Pair], version: str) -> None:
    same = sum(full.ids == other.ids for full, other in pairs)
    record.capability("quantization.answers", f"{same} of {len(pairs)} unchanged", evidence=_examples(pairs))
    record.metric(
        "quantization.greedy_unchanged",
        same / len(pairs),
        "share of prompts",
        better="higher",
        samples=len(pairs),
        interval=wilson(same, len(pairs)),
        version=version,
    )
    positions = [[float(first_difference(full.ids, other.ids))] for full, other in pairs]
    _mean(record, "quantization.greedy_first_difference", positions, "tokens", version)
    scores = chrf(pairs)
    if scores:
        _mean(record, "quantization.chrf", [[score] for score in scores], "0..100", version)
    else:
        record.capability("quantization.chrf", "not measured: sacrebleu is not installed")


def _mean(record: Record, name: str, rows: list[list[float]], unit: str, version: str) -> None:
    interval = bootstrap(rows, lambda each: each[..., 0].mean(axis=-1)) if len(rows) > 1 else None
    mean = sum(row[0] for row in rows) / len(rows)
    record.metric(name, mean, unit, better="higher", samples=len(rows), interval=interval, version=version)


def chrf(pairs: Sequence[Pair]) -> list[float]:
    """Returns chrF of each answer against the full model's, 0 to 100; empty without sacrebleu."""
    try:
        from sacrebleu.metrics.chrf import CHRF
    except ImportError:
        return []
    metric = CHRF()
    return [
        100.0 if full.text == other.text else float(metric.sentence_score(other.text, [full.text]).score)
        for full, other in pairs
    ]


def _examples(pairs: Sequence[Pair]) -> dict[str, Any]:
    return {
        full.asked.prompt: {
            "full": full.text,
            "variant": other.text,
            "same tokens": first_difference(full.ids, other.ids),
        }
        for full, other in pairs[:EXAMPLES]
    }


def refuse_lost_answers(pairs: Sequence[Pair]) -> None:
    __tracebackhide__ = True
    lost = [(full, other) for full, other in pairs if other.degenerate and not full.degenerate]
    won = sum(full.degenerate and not other.degenerate for full, other in pairs)
    valid = sum(not full.degenerate for full, _ in pairs)
    if lost and len(lost) >= MOST * valid and mcnemar(len(lost), won) < SIGNIFICANT:
        empty = sum(not other.text.strip() for _, other in lost)
        what = "empty" if empty == len(lost) else "endless loops" if not empty else "empty or endless loops"
        raise Defect(
            f"The variant's answers are {what}: {len(lost)} of {valid} valid answers of the full model are lost.",
            evidence=_examples(lost),
        )
