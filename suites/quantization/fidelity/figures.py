"""Metrics and series of a comparison; intervals are over blocks of tokens, because neighbours are correlated."""

from __future__ import annotations

import math
from typing import Any

from suites.intervals import bootstrap, expanded, ratio_of_sums
from suites.quantization.fidelity.comparison import Fidelity

RESAMPLES = 1000
BUCKETS = (0, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)
WORST = 10
CONTEXT = 12


def record(target: Any, found: Fidelity) -> None:
    """Records all metrics and series."""
    _means(target, found)
    _percentiles(target, found)
    target.series(
        "quantization.kl_by_position",
        by_position(found),
        x="position in the text, tokens",
        y="KL divergence, nats/token",
    )
    target.series("quantization.kl_by_domain", by_domain(found), x="domain", y="KL divergence, nats/token", kind="bar")


def _means(target: Any, found: Fidelity) -> None:
    import numpy

    change = numpy.exp(found.other) - numpy.exp(found.full)
    for name, values, finish, unit, better in (
        ("kl_divergence", found.kl, _same, "nats/token", "lower"),
        ("top1_agreement", found.agree, _same, "share", "higher"),
        ("perplexity_ratio", found.full - found.other, numpy.exp, "times", "lower"),
        ("probability_change_rms", change**2, numpy.sqrt, "probability", "lower"),
    ):
        rows = found.blocks(values)
        spread = bootstrap(rows, ratio_of_sums, resamples=RESAMPLES)
        interval = (float(finish(max(spread[0], _least(name)))), float(finish(spread[1])))
        _metric(target, found, name, float(finish(ratio_of_sums(rows))), unit, better, interval)


def _same(value: Any) -> Any:
    return value


def _least(name: str) -> float:
    return 0.0 if name == "probability_change_rms" else -math.inf


def _percentiles(target: Any, found: Fidelity) -> None:
    import numpy

    change = numpy.exp(found.other) - numpy.exp(found.full)
    for name, values, share, unit, better in (
        ("kl_divergence_median", found.kl, 0.5, "nats/token", "lower"),
        ("kl_divergence_p99", found.kl, 0.99, "nats/token", "lower"),
        ("probability_change_p05", change, 0.05, "probability", "higher"),
        ("probability_change_p50", change, 0.5, "probability", "higher"),
        ("probability_change_p95", change, 0.95, "probability", "lower"),
    ):
        interval = percentile_interval(values, found.block, share)
        _metric(target, found, name, float(numpy.quantile(values, share)), unit, better, interval)


def _metric(
    target: Any, found: Fidelity, name: str, value: float, unit: str, better: str, interval: tuple[float, float]
) -> None:
    target.metric(
        f"quantization.{name}",
        value,
        unit,
        better=better,
        samples=len(found.kl),
        interval=interval if all(map(math.isfinite, interval)) else None,
        version=found.version,
    )


def percentile_interval(values: Any, block: Any, share: float, *, resamples: int = 300) -> tuple[float, float]:
    """Returns the 95% interval of a quantile of correlated values, by resampling their blocks."""
    import numpy

    order = numpy.argsort(values, kind="stable")
    ordered, owner, blocks = values[order], block[order], int(block.max()) + 1
    if blocks < 2:
        return -math.inf, math.inf
    random, found = numpy.random.default_rng(0), []
    for _ in range(resamples):
        counts = numpy.bincount(random.integers(blocks, size=blocks), minlength=blocks)
        weights = numpy.cumsum(counts[owner])
        found.append(ordered[min(len(ordered) - 1, numpy.searchsorted(weights, share * weights[-1]))])
    low, high = numpy.quantile(found, expanded(blocks))
    return float(low), float(high)


def by_position(found: Fidelity) -> list[list[float]]:
    """Returns the mean divergence of each range of positions, with its first position and interval."""
    points = []
    for low, high in zip(BUCKETS, (*BUCKETS[1:], math.inf), strict=True):
        chosen = (found.position >= low) & (found.position < high)
        if chosen.any():
            points.append([float(low), *_mean(found, chosen)])
    return points


def by_domain(found: Fidelity) -> list[list[Any]]:
    """Returns the mean divergence of each domain with its interval."""
    return [[domain, *_mean(found, found.of(texts))] for domain, texts in found.domains().items()]


def _mean(found: Fidelity, chosen: Any) -> list[float]:
    """Returns the mean divergence of some tokens, with its interval if there are enough blocks."""
    import numpy

    rows = found.blocks(numpy.where(chosen, found.kl, 0.0), chosen)
    rows = rows[rows[:, 1] > 0]
    mean, spread = float(ratio_of_sums(rows)), bootstrap(rows, ratio_of_sums, resamples=RESAMPLES)
    return [mean, *map(float, spread)] if len(rows) > 2 and all(map(math.isfinite, spread)) else [mean]


def worst_tokens(found: Fidelity, tokenizer: Any, count: int = WORST) -> list[dict[str, Any]]:
    """Returns the tokens whose distribution changed most, each with the text before it."""
    import numpy

    worst = []
    for index in numpy.argsort(-found.kl)[:count]:
        passage, position = found.passages[int(found.text[index])], int(found.position[index])
        before = passage.ids[max(0, position - CONTEXT) : position]
        worst.append(
            {
                "text": passage.text.name,
                "position": position,
                "before": str(tokenizer.decode(list(before))),
                "token": str(tokenizer.decode([int(found.token[index])])),
                "kl": round(float(found.kl[index]), 3),
                "probability, full": float(f"{numpy.exp(found.full[index]):.3g}"),
                "probability, variant": float(f"{numpy.exp(found.other[index]):.3g}"),
            }
        )
    return worst
