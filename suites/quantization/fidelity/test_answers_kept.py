from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fixtures.inputs.items import Instruction, Items
from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from fixtures.subjects.subject import Subject
from fixtures.text.differences import first_difference
from suites.findings import Defect, Record, Unsupported
from suites.intervals import bootstrap, mcnemar, wilson
from suites.quantization.fidelity import accuracy
from suites.running import answers, generate
from suites.running.answers import Answer
from suites.scoring import dense
from suites.scoring import items as tasks

SURE = 0.01
"""Probability below which more ill answers are no chance: eight of eight is enough."""
MOST = 0.75
Pair = tuple[Answer[Instruction], Answer[Instruction]]
"""Answers of the full model and of the variant."""
EXAMPLES = 12


@needs("continues_text")
def test_answers_kept(
    subject: Subject, loaded: Loaded, reference: Loaded, tokenizer: Any, items: Items, profile: str,
    memory_left: int, record: Record,
) -> None:  # fmt: skip
    """Where the full model answers, the quantized or cast one does too: it is not silent, does not run in a loop, and
    does not lose most of what the full one knows.

    Why: greedy answers part from those of the full model sooner or later, and that is no fault; an answer that is
        empty, wrong, or repeats itself without end is, and a perplexity need not show it.
    Fix: compare the answers in the report; take a finer format, or leave the most sensitive layers out.
    Source: https://arxiv.org/abs/2407.09141 (answers that flip beside accuracy);
        https://aclanthology.org/W15-3049 (chrF: how much of a text is kept, in characters)
    """
    with generate.refusals("A forward pass"):
        dense.prepare(loaded, reference, tokenizer, memory_left)
    full, other = dict(tasks.marks(reference, tokenizer, items)), dict(tasks.marks(loaded, tokenizer, items))
    try:
        theirs = answers.to_instructions(subject, tokenizer, reference, items, profile)
        mine = answers.to_instructions(subject, tokenizer, loaded, items, profile)
    except Unsupported:
        accuracy.record(record, full, other, items.version)
        accuracy.refuse_lost_accuracy(full, other)
        raise
    if any(each.asked.rules for each in theirs):
        full["instructions"], other["instructions"] = (tasks.of_instructions(each) for each in (theirs, mine))
    accuracy.record(record, full, other, items.version)
    pairs = list(zip(theirs, mine, strict=True))
    _record(record, pairs, items.version)
    refuse_lost_answers(pairs)
    accuracy.refuse_lost_accuracy(full, other)


def _record(record: Record, pairs: Sequence[Pair], version: str) -> None:
    same = sum(full.ids == other.ids for full, other in pairs)
    record.capability("quantization.answers", f"{same} of {len(pairs)} unchanged", evidence=_told(pairs))
    record.metric("quantization.greedy_unchanged", same / len(pairs), "share of prompts", better="higher",
                  samples=len(pairs), interval=wilson(same, len(pairs)), version=version)  # fmt: skip
    places = [[float(first_difference(full.ids, other.ids))] for full, other in pairs]
    _mean(record, "quantization.greedy_first_difference", places, "tokens", version)
    scores = chrf(pairs)
    if scores:
        _mean(record, "quantization.chrf", [[score] for score in scores], "0..100", version)
    else:
        record.capability("quantization.chrf", "not measured: sacrebleu is not installed")


def _mean(record: Record, name: str, rows: list[list[float]], unit: str, version: str) -> None:
    interval = bootstrap(rows, lambda each: each[..., 0].mean(axis=-1)) if len(rows) > 1 else None
    record.metric(name, sum(row[0] for row in rows) / len(rows), unit, better="higher", samples=len(rows),
                  interval=interval, version=version)  # fmt: skip


def chrf(pairs: Sequence[Pair]) -> list[float]:
    """chrF of each answer against the full model's, 0 to 100; empty without sacrebleu."""
    try:
        from sacrebleu.metrics.chrf import CHRF
    except ImportError:
        return []
    metric = CHRF()
    return [100.0 if full.text == other.text else float(metric.sentence_score(other.text, [full.text]).score)
            for full, other in pairs]  # fmt: skip


def _told(pairs: Sequence[Pair]) -> dict[str, Any]:
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
    lost = [(full, other) for full, other in pairs if other.ill and not full.ill]
    won = sum(full.ill and not other.ill for full, other in pairs)
    well = sum(not full.ill for full, _ in pairs)
    if lost and len(lost) >= MOST * well and mcnemar(len(lost), won) < SURE:
        empty = sum(not other.text.strip() for _, other in lost)
        what = "empty" if empty == len(lost) else "endless loops" if not empty else "empty or endless loops"
        raise Defect(
            f"The variant's answers are {what}: {len(lost)} of the {well} that the full model gives well are lost.",
            evidence=_told(lost),
        )
