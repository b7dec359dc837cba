from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

from fixtures.inputs import tokenizer_corpus
from fixtures.models.loading import Loaded
from fixtures.models.weight_statistics import TensorStatistics
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from fixtures.subjects.variant import Variant
from suites.findings import Blocked, Defect, Limit, Record
from suites.integrity.pairing import head_counts, preconditions, repair_search
from suites.scoring import knowledge, likelihood, tokenizer_fit
from suites.scoring.likelihood import IdMap, Likelihood, Row

SHIFTS = (-1, 1, -2, 2, -3, 3)


@needs("continues_text")
@uses("generation")
def test_tokenizer_fits_weights(
    subject: Subject,
    tokenizer: Any,
    loaded: Loaded,
    weight_statistics: dict[str, TensorStatistics],
    variant: Variant,
    profile: str,
    record: Record,
) -> None:
    """The tokenizer's ids are those that the weights were trained on: text is likelier in order than shuffled.

    Why: another family's tokenizer, a reordered vocabulary or an inserted token that shifts later ids raises no error
        as long as every id has an embedding row. The model reads other words than were written and answers nonsense.
    Fix: First fix other findings about the weights; then take tokenizer and weights from one revision of one
        repository, and compare their sha256.
    Source: https://huggingface.co/blog/chat-templates (a tokenizer from a different model);
        https://huggingface.co/docs/transformers/main/perplexity (loss of a text)
    """
    knowledge.require_trained(subject)
    rows, found = tokenizer_fit.plain_text(subject, tokenizer, loaded, profile)
    if not found.predictions:
        raise Limit("the tokenizer splits all sample texts into single letters, so order cannot be compared")
    for name, value, better in (("loss", found.loss, "lower"), ("gain_from_order", found.gain, "higher")):
        record.metric(
            f"integrity.plain_text_{name}",
            value,
            "nats/token",
            better=better,
            samples=len(found.predictions),
            effect=0.05,
            version=tokenizer_corpus.version(),
        )
    chance = tokenizer_fit.chance_loss(tokenizer)
    start = tokenizer_fit.first_unknown_id(found, chance)
    if start is not None:
        _refuse_missing_weights(loaded)
        preconditions.refuse_noise(loaded)
        if variant.quantization == "none" and repair_search.best_repair(
            subject, tokenizer, loaded, weight_statistics, profile
        ):
            raise Blocked("integrity/weights-in-place", "some weights seem to be swapped")
        if variant.quantization == "none" and head_counts.better_heads(subject, tokenizer, loaded, profile):
            raise Blocked("integrity/heads-fit-weights", "the weights were trained with other heads")
        if not causal(loaded.model, rows[0][1]):
            summary = "the logits depend on later tokens, so they do not give the loss of a text"
            raise Blocked("generation/later-tokens-change-nothing", summary)
        shift = best_shift(loaded.model, rows, start, found, {*tokenizer.added_tokens_decoder})
        raise misfit(found, start, shift, chance)


def _refuse_missing_weights(loaded: Loaded) -> None:
    __tracebackhide__ = True
    if any(loaded.report[kind] for kind in ("missing_keys", "mismatched_keys")):
        raise Blocked("integrity/weights-complete", "some weights were initialised at random")


def misfit(found: Likelihood, start: int, shift: int | None, chance: float) -> Defect:
    part = found.split_at(start)[1]
    which = f" from about {start} on" if start else ""
    cause = f" (moved by {shift} they fit)" if shift else ", or the weights are damaged"
    groups = {name: group.as_json() for name, group in found.groups().items()}
    beyond = part.loss >= tokenizer_fit.WORSE_THAN_CHANCE * chance
    shuffled = "" if beyond else ", in order as well as shuffled"
    return Defect(
        f"The tokenizer's ids{which} are not those that the weights were trained on{cause}: plain text has a loss of "
        f"{part.loss:.1f} nats per token{shuffled} (a uniform guess has {chance:.1f}).",
        evidence={"chance": round(chance, 2), **groups, "strange ids": [each.token for each in part.predictions[:40]]},
    )


def best_shift(model: Any, rows: list[Row], start: int, found: Likelihood, fixed: Collection[int]) -> int | None:
    """Returns the number to add to the ids from `start` on so that the model knows them; None if none helps.

    The ids of added tokens (`fixed`) do not change.
    """
    usable = {*range(start, 1 + max(max(row) for _, row in rows))} - {*fixed}
    maps = {shift: shifted(usable, shift) for shift in SHIFTS}
    losses = {shift: mean_loss(model, rows, id_map) for shift, id_map in maps.items()}
    best = min(losses, key=lambda shift: losses[shift])
    after = likelihood.measure(model, rows, maps[best])
    return (
        best
        if after.gain > max(tokenizer_fit.CERTAIN_ERRORS * after.error, found.gain) and after.loss < found.loss
        else None
    )


def shifted(usable: Collection[int], by: int) -> IdMap:
    return lambda number: number + by if number in usable and number + by in usable else number


def mean_loss(model: Any, rows: list[Row], id_map: IdMap) -> float:
    found = [each for row in likelihood.losses(model, [[*map(id_map, row)] for _, row in rows]) for each in row]
    return sum(found) / len(found)


def causal(model: Any, row: list[int]) -> bool:
    """True if changing the last token leaves earlier losses unchanged."""
    other = [*row[:-1], row[0]]
    first, second = (likelihood.losses(model, [each])[0][:-1] for each in (row, other))
    return all(math.isclose(a, b, rel_tol=0.05, abs_tol=0.05) for a, b in zip(first, second, strict=True))
