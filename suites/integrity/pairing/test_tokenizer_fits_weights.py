from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

from fixtures.inputs import corpus
from fixtures.models.loading import Loaded
from fixtures.models.weight_statistics import Stored
from fixtures.session.needs import needs
from fixtures.subjects.subject import Subject
from fixtures.subjects.variant import Variant
from suites.findings import Defect, Record, Unsupported
from suites.integrity.pairing import fit, heads, likelihood, misplaced, training
from suites.integrity.pairing.likelihood import Likelihood, Move, Row

MOVES = (-1, 1, -2, 2, -3, 3)


@needs("continues_text")
def test_tokenizer_fits_weights(
    subject: Subject, tokenizer: Any, loaded: Loaded, stored: dict[str, Stored], variant: Variant,
    profile: str, record: Record,
) -> None:  # fmt: skip
    """Plain text is likelier to the model in the order in which it is written than shuffled.

    Why: a tokenizer of another family, a vocabulary in another order or an added token that shifts all after it raises
        no error while every id has a row; the model reads other words than were written and answers nonsense.
    Fix: Mend first what other checks of integrity say about the weights; then take tokenizer and weights from one
        revision of one repository, and compare their sha256 with it.
    Source: https://huggingface.co/blog/chat-templates (a tokenizer from a different model);
        https://huggingface.co/docs/transformers/main/perplexity (loss of a text)
    """
    excess = training.excess(loaded.model)
    trained = excess > training.TRAINED
    record.capability("integrity.trained", "yes" if trained else "no", evidence={"excess over noise": round(excess, 2)})
    if not trained:
        return
    rows, found = fit.plain_text(subject, tokenizer, loaded, profile)
    if not found.predictions:
        raise Unsupported("the tokenizer writes no text of the corpus in pieces longer than letters")
    for name, value, better in (("loss", found.loss, "lower"), ("gain_from_order", found.gain, "higher")):
        record.metric(f"integrity.plain_text_{name}", value, "nats/token", better=better,
                      samples=len(found.predictions), effect=0.05, version=corpus.version())  # fmt: skip
    start = fit.first_strange(found, fit.chance(tokenizer))
    if start is not None:
        _told_elsewhere(loaded)
        if variant.quantization == "none" and misplaced.found(subject, tokenizer, loaded, stored, profile):
            raise Unsupported("weights have changed places: see integrity/weights-in-place")
        if variant.quantization == "none" and heads.found(subject, tokenizer, loaded, profile):
            raise Unsupported("the heads are not those of the weights: see integrity/heads-fit-weights")
        if not causal(loaded.model, rows[0][1]):
            raise Unsupported("the logits depend on later tokens, so the loss of a text cannot be read from them")
        move = moved_back(loaded.model, rows, start, found, {*tokenizer.added_tokens_decoder})
        raise misfit(found, start, move, fit.chance(tokenizer))


def _told_elsewhere(loaded: Loaded) -> None:
    __tracebackhide__ = True
    if any(loaded.report[kind] for kind in ("missing_keys", "mismatched_keys")):
        raise Unsupported("parts of the weights were made up at random: see integrity/weights-complete")


def misfit(found: Likelihood, start: int, move: int | None, chance: float) -> Defect:
    part = found.parted(start)[1]
    which = f" from about {start} on" if start else ""
    how = f" (moved by {move} they fit)" if move else ", or the weights are damaged"
    groups = {name: group.as_json() for name, group in found.groups().items()}
    beyond = part.loss >= fit.WORSE_THAN_CHANCE * chance
    return Defect(
        f"The tokenizer's ids{which} are not those that the weights were trained on{how}: plain text has a loss of "
        f"{part.loss:.1f} nats per token (chance is {chance:.1f}){'' if beyond else ', in order as well as shuffled'}.",
        evidence={"chance": round(chance, 2), **groups, "strange ids": [each.token for each in part.predictions[:40]]},
    )


def moved_back(model: Any, rows: list[Row], start: int, found: Likelihood, fixed: Collection[int]) -> int | None:
    """The number to add to the ids from `start` on after which order is worth something, and more than before.

    Added tokens are `fixed`.
    """
    usable = {*range(start, 1 + max(max(row) for _, row in rows))} - {*fixed}
    moves = {move: moved(usable, move) for move in MOVES}
    losses = {move: loss(model, rows, change) for move, change in moves.items()}
    best = min(losses, key=lambda move: losses[move])
    after = likelihood.measured(model, rows, moves[best])
    return best if after.gain > max(fit.SURE * after.error, found.gain) and after.loss < found.loss else None


def moved(usable: Collection[int], by: int) -> Move:
    return lambda number: number + by if number in usable and number + by in usable else number


def loss(model: Any, rows: list[Row], change: Move) -> float:
    found = [each for row in likelihood.losses(model, [[*map(change, row)] for _, row in rows]) for each in row]
    return sum(found) / len(found)


def causal(model: Any, row: list[int]) -> bool:
    """Whether another last token leaves the earlier losses as they are."""
    other = [*row[:-1], row[0]]
    first, second = (likelihood.losses(model, [each])[0][:-1] for each in (row, other))
    return all(math.isclose(a, b, rel_tol=0.05, abs_tol=0.05) for a, b in zip(first, second, strict=True))
