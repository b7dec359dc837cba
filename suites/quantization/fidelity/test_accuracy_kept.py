"""Promise: a variant knows what the full model knows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fixtures.inputs.items import Items
from fixtures.subjects.loading import Loaded
from fixtures.subjects.subject import Subject
from suites.findings import Defect, Unsupported
from suites.intervals import mcnemar, paired_difference
from suites.quality import tasks
from suites.quality.said import said
from suites.quality.tasks import Mark

MARGIN = 0.1
"""Share of items by which accuracy may fall, at the most, before it is a defect: the whole interval must be beyond."""
EXAMPLES = 30


def test_accuracy_kept(
    subject: Subject, loaded: Loaded, reference: Loaded, tokenizer: Any, items: Items, profile: str, memory_left: int,
    continues_text: None, record: Any,
) -> None:  # fmt: skip
    """On the same questions a quantized or cast model is not wrong much oftener than the full one.

    Why: accuracy is what a user of the model notices; the same items answered by both tell a difference that two
        independent scores of a few hundred questions cannot.
    Fix: see quantization/layer-error-within-bound; take a finer format, or leave the most sensitive layers out.
    Source: https://arxiv.org/abs/2407.09141 (answers that flip beside accuracy);
        https://doi.org/10.1007/BF02295996 (McNemar's test of paired proportions)
    """
    full, other = dict(tasks.marks(reference, tokenizer, items)), dict(tasks.marks(loaded, tokenizer, items))
    if subject.traits.has_chat_template and items.instructions:
        _add_instructions(full, other, subject, loaded, reference, tokenizer, items, profile)
    flips = {kind: counted(full[kind], other[kind]) for kind in full}
    for kind, (lost, won, trials) in flips.items():
        record.metric(f"quantization.accuracy_change.{kind}", (won - lost) / trials, "share of items", better="higher",
                      samples=trials, interval=paired_difference(lost, won, trials), version=items.version)  # fmt: skip
    told = {kind: {"lost": lost, "won": won, "of": trials, "p (McNemar)": round(mcnemar(lost, won), 4)}
            for kind, (lost, won, trials) in flips.items()}  # fmt: skip
    changed = sum(lost + won for lost, won, _ in flips.values())
    record.capability(
        "quantization.answers_flipped", f"{changed} of {sum(each[2] for each in flips.values())}", evidence=told
    )
    refuse_lost_accuracy(full, other)


def _add_instructions(
    full: dict[str, list[Mark]], other: dict[str, list[Mark]], subject: Subject, loaded: Loaded, reference: Loaded,
    tokenizer: Any, items: Items, profile: str,
) -> None:  # fmt: skip
    try:
        given = [said(subject, tokenizer, each, items, profile) for each in (reference, loaded)]
    except Unsupported:  # told by quantization/answers-kept
        return
    full["instructions"], other["instructions"] = (tasks.of_instructions(each) for each in given)


def counted(full: Sequence[Mark], other: Sequence[Mark]) -> tuple[int, int, int]:
    """How many items only the full model got right, how many only the other, and of how many."""
    pairs = list(zip(full, other, strict=True))
    lost = sum(one.right and not two.right for one, two in pairs)
    return lost, sum(two.right and not one.right for one, two in pairs), len(pairs)


def refuse_lost_accuracy(full: dict[str, list[Mark]], other: dict[str, list[Mark]]) -> None:
    """Raises Defect where accuracy over all items fell by more than `MARGIN`, beyond its uncertainty."""
    __tracebackhide__ = True
    ones, twos = ([mark for kind in full for mark in marks[kind]] for marks in (full, other))
    lost, won, trials = counted(ones, twos)
    low, high = paired_difference(lost, won, trials)
    if high < -MARGIN:
        before, after = (sum(mark.right for mark in marks) for marks in (ones, twos))
        wrong = [two.id for one, two in zip(ones, twos, strict=True) if one.right and not two.right]
        raise Defect(
            f"The variant answers {after} of {trials} items rightly, the full model {before}: {lost} were lost and {won} "
            f"won (McNemar p = {mcnemar(lost, won):.2g}).",
            evidence={"change, 95% interval": [round(low, 3), round(high, 3)], "lost": wrong[:EXAMPLES]},
        )
