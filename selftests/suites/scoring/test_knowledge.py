"""What counts as knowledge of a language, on losses made for the purpose, and the cause of its absence."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any

import pytest

from suites.quality import ignorance
from suites.scoring import knowledge
from suites.scoring.knowledge import Kind, Knowledge
from suites.scoring.noise import Matrix, Spectra

CHANCE = math.log(32_000)


def kind(name: str, loss: float, gain: float, *, tokens: int = 100, spread: float = 3.0) -> Kind:
    choose = random.Random(name)
    noise = [choose.gauss(0, spread) for _ in range(tokens)]
    centre = math.fsum(noise) / tokens
    return Kind(name, [loss] * tokens, [gain + each - centre for each in noise])


@pytest.mark.parametrize(
    ("loss", "gain", "known"),
    [
        (3.0, 5.0, True),  # a good model
        (7.5, 1.5, True),  # a base model of ten million parameters
        (CHANCE + 0.1, 0.0, False),  # newly initialised
        (25.0, 0.3, False),  # noise that is sure of wrong tokens
        (16.0, 4.0, False),  # half of the layers are noise: order matters, and every prediction is wrong
        (7.0, 0.0, False),  # frequencies of tokens only
    ],
)
def test_known_is_below_a_guess_and_helped_by_order(loss: float, gain: float, known: bool) -> None:
    assert kind("english", loss, gain).known(CHANCE) is known


def decided(losses: dict[str, float], gains: dict[str, float], *, tokens: int = 100) -> Knowledge:
    """Scores texts of distinct ids, which carry their kind in the first id."""
    names = list(losses)
    choose = random.Random(0)

    def score(texts: Sequence[Sequence[int]]) -> list[Any]:
        return [
            [-(losses[names[ids[0]]] + gains[names[ids[0]]] + choose.gauss(0, 2)) for _ in ids[1:]] for ids in texts
        ]

    texts: dict[str, list[tuple[Sequence[int], Any]]] = {
        name: [([number, *range(100, 100 + tokens)], [-loss] * tokens)]
        for number, (name, loss) in enumerate(losses.items())
    }
    kinds = {name: Kind(name, [loss] * tokens) for name, loss in losses.items()}
    return knowledge._decide(kinds, texts, score, CHANCE, lambda name: [])


@pytest.mark.parametrize("best", ["chinese", "code"])
def test_a_model_is_judged_by_what_it_does_best(best: str) -> None:
    """A Chinese or a code model may predict all else no better than by chance."""
    losses = dict.fromkeys(("news", "german", "chinese", "code", "tables", "arabic", "hindi"), CHANCE + 2) | {best: 6.0}
    assert decided(losses, dict.fromkeys(losses, 0.0) | {best: 2.0}).known == best


def test_noise_knows_nothing() -> None:
    losses = {"news": CHANCE + 0.05, "german": CHANCE - 0.02, "chinese": CHANCE - 0.05}
    found = decided(losses, dict.fromkeys(losses, 0.0))
    assert not found.known
    assert found.better_than_guess is not None
    assert "frequencies of its tokens" in ignorance.what(found)


def test_bytes_that_repeat_count() -> None:
    assert knowledge.counted([1, 2, 3, 2, 4, 4, 5, 6, 7, 8, 9, 10, 11]) == [2, 6, 7, 8, 9, 10, 11, 12]
    assert knowledge.counted([1, 2, 1, 2, 2, 1]) == [1, 2, 3, 5]


def spectra(noisy: range, *, tail: float = 0.0, width: int = 512) -> Spectra:
    """Two matrices in each of ten layers, and an embedding with structure."""
    matrices = [
        Matrix(f"model.layers.{layer}.{name}.weight", width**2, width, 0.98 if layer in noisy else 1.6, tail)
        for layer in range(10)
        for name in ("q_proj", "up_proj")
    ]
    return Spectra((*matrices, Matrix("model.embed_tokens.weight", 10 * width**2, width, 5.0, 1.0)))


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (spectra(range(10)), "20 of 21 weight matrices are random numbers"),
        (spectra(range(5, 10)), "layers 5 to 9 are random numbers"),
        (spectra(range(5, 10), tail=2.0), "layers 5 to 9 stand in random order"),
        (spectra(range(0)), None),
        (spectra(range(10), width=64), None),  # small matrices stay near their initial values
    ],
)
def test_the_cause_is_where_the_noise_is(found: Spectra, words: str | None) -> None:
    cause = found.cause()
    assert (words is None and cause is None) or (words is not None and words in str(cause))
