"""Promise: the ids that the tokenizer writes are those that the weights were trained on."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

from fixtures.inputs import corpus
from fixtures.subjects.subject import Subject
from suites.findings import Defect, Unsupported
from suites.integrity.pairing import likelihood, training
from suites.integrity.pairing.likelihood import Likelihood, Move

WORK = {"quick": 5e10, "standard": 2e11, "exhaustive": 1e12}
"""Tokens times parameters."""
FEWEST, MOST = 200, 4000
SURE, CLEAR = 3, 5
"""Standard errors: below the first a gain may be chance; beyond the second a difference is none."""
MOVES = (-1, 1, -2, 2, -3, 3)


def test_tokenizer_fits_weights(
    subject: Subject, tokenizer: Any, embedding_rows: int, continues_text: None, model: Any, profile: str, record: Any
) -> None:
    """Plain text is likelier to the model in the order in which it is written than shuffled.

    Why: a tokenizer of another family, a vocabulary in another order or an added token that shifts all after it raises
        no error while every id has a row; the model reads other words than were written and answers nonsense.
    Fix: Take tokenizer and weights from one revision of one repository; compare the tokenizer's sha256 with it.
    Source: https://huggingface.co/blog/chat-templates (a tokenizer from a different model);
        https://huggingface.co/docs/transformers/main/perplexity (loss of a text)
    """
    excess = training.excess(model)
    trained = excess > training.TRAINED
    record.capability("integrity.trained", "yes" if trained else "no", evidence={"excess over noise": round(excess, 2)})
    if not trained:
        return
    tokens = int(min(MOST, max(FEWEST, WORK[profile] / max(1, subject.traits.parameters))))
    rows = [row for row in likelihood.texts(tokenizer, tokens) if max(row[1]) < embedding_rows]
    found = likelihood.measured(model, rows)
    if not found.predictions:
        raise Unsupported("the tokenizer writes no text of the corpus in pieces longer than letters")
    for name, value, better in (("loss", found.loss, "lower"), ("gain_from_order", found.gain, "higher")):
        record.metric(f"integrity.plain_text_{name}", value, "nats/token", better=better,
                      samples=len(found.predictions), effect=0.05, version=corpus.version())  # fmt: skip
    judge(model, found, rows, chance=math.log(len(tokenizer)), fixed={*tokenizer.added_tokens_decoder})


def judge(
    model: Any, found: Likelihood, rows: list[tuple[str, list[int]]], *, chance: float, fixed: Collection[int] = ()
) -> None:
    """Raises where nothing is gained by order, or nothing from some id on; added tokens are `fixed`."""
    __tracebackhide__ = True
    start = 0 if found.gain < SURE * found.error and found.loss >= chance else first_strange(found, chance)
    if start is None:
        return
    if not causal(model, rows[0][1]):
        raise Unsupported("the logits depend on later tokens, so the loss of a text cannot be read from them")
    move = moved_back(model, rows, start, found, fixed)
    part = found.parted(start)[1]
    how = f" (moved by {move} they fit)" if move else ""
    which = f" from about {start} on" if start else ""
    raise Defect(
        f"The tokenizer's ids{which} are not those that the weights were trained on{how}: plain text has a loss of "
        f"{part.loss:.1f} nats per token (chance is {chance:.1f}), in order as well as shuffled.",
        evidence=evidence(found, part, chance),
    )


def evidence(found: Likelihood, part: Likelihood, chance: float) -> dict[str, Any]:
    groups = {name: group.as_json() for name, group in found.groups().items()}
    return {"chance": round(chance, 2), **groups, "strange ids": [each.token for each in part.predictions[:40]]}


def first_strange(found: Likelihood, chance: float) -> int | None:
    """The id from which on order gains nothing in any kind of text, while it does below; None where there is none."""
    ids = sorted(each.token for each in found.predictions)
    for quarter in (1, 2, 3):
        start = ids[len(ids) * quarter // 4]
        below, above = found.parted(start)
        if strange(below, above, chance):
            groups = [group.parted(start) for group in found.groups().values()]
            if all(high.gain < low.gain / 2 and high.loss >= chance for low, high in groups) and len(groups) > 1:
                return start
    return None


def strange(below: Likelihood, above: Likelihood, chance: float) -> bool:
    """Whether order is worth something below and nothing above, beyond doubt."""
    apart = below.gain - above.gain > CLEAR * math.hypot(below.error, above.error)
    return apart and below.gain > 1 and above.gain < SURE * above.error and above.loss >= chance


def moved_back(
    model: Any, rows: list[tuple[str, list[int]]], start: int, found: Likelihood, fixed: Collection[int]
) -> int | None:
    """The number to add to the ids from `start` on after which order is worth something, and more than before."""
    usable = {*range(start, 1 + max(max(row) for _, row in rows))} - {*fixed}
    moves = {move: moved(usable, move) for move in MOVES}
    losses = {move: loss(model, rows, change) for move, change in moves.items()}
    best = min(losses, key=lambda move: losses[move])
    after = likelihood.measured(model, rows, moves[best])
    return best if after.gain > max(SURE * after.error, found.gain) and after.loss < found.loss else None


def moved(usable: Collection[int], by: int) -> Move:
    return lambda number: number + by if number in usable and number + by in usable else number


def loss(model: Any, rows: list[tuple[str, list[int]]], change: Move) -> float:
    found = [each for row in likelihood.losses(model, [[*map(change, row)] for _, row in rows]) for each in row]
    return sum(found) / len(found)


def causal(model: Any, row: list[int]) -> bool:
    """Whether another last token leaves the earlier losses as they are."""
    other = [*row[:-1], row[0]]
    first, second = (likelihood.losses(model, [each])[0][:-1] for each in (row, other))
    return all(math.isclose(a, b, rel_tol=0.05, abs_tol=0.05) for a, b in zip(first, second, strict=True))
