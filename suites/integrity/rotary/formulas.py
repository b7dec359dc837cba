"""Reference formulas of rotary frequencies from the papers, in float64.

Default and linear: https://arxiv.org/abs/2104.09864 and https://arxiv.org/abs/2306.15595. YaRN:
https://arxiv.org/abs/2309.00071. LongRoPE: https://arxiv.org/abs/2402.13753. Llama 3.1: its model code.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from suites.integrity.rotary.declared import Rope

if TYPE_CHECKING:
    import numpy

    Array = numpy.ndarray[Any, numpy.dtype[numpy.float64]]


class NotCovered(Exception):
    """Raised for settings without a formula here."""


def frequencies(rope: Rope, count: int) -> Array:
    """Returns `count` inverse frequencies, as used up to the original context length; raises `NotCovered`."""
    try:
        return FORMULAS[rope.kind](rope, count)
    except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
        raise NotCovered(rope.kind) from error


def attention_factor(rope: Rope) -> float:
    """Returns the factor of cosine and sine; raises `NotCovered`."""
    given = rope.settings.get("attention_factor")
    if rope.kind not in ("yarn", "longrope") or isinstance(given, (int, float)):
        return float(given) if rope.kind in ("yarn", "longrope") and given is not None else 1.0
    try:
        return _yarn_attention(rope) if rope.kind == "yarn" else _longrope_attention(rope)
    except (KeyError, TypeError, ValueError) as error:
        raise NotCovered(rope.kind) from error


def unscaled(theta: float, count: int) -> Array:
    """Returns theta ** (-2i / d) for i below d / 2."""
    import numpy

    steps = numpy.arange(count, dtype=numpy.float64) / count
    return numpy.asarray(theta**-steps)


def _default(rope: Rope, count: int) -> Array:
    return unscaled(_number(rope.theta), count)


def _linear(rope: Rope, count: int) -> Array:
    return _default(rope, count) / _number(rope.settings["factor"])


def _yarn(rope: Rope, count: int) -> Array:
    """Scales low frequencies and leaves high ones, with a ramp between two numbers of rotations."""
    import numpy

    whole, theta, settings = _default(rope, count), _number(rope.theta), rope.settings
    original = _original(rope)
    factor = settings.get("factor") or _number(rope.positions) / original

    def index(rotations: float) -> float:
        return count * math.log(original / (rotations * 2 * math.pi)) / math.log(theta)

    low, high = index(settings.get("beta_fast") or 32), index(settings.get("beta_slow") or 1)
    if settings.get("truncate", True):
        low, high = math.floor(low), math.ceil(high)
    low, high = max(low, 0), min(high, 2 * count - 1)
    ramp = (numpy.arange(count) - low) / (high - low if high != low else 0.001)
    stretched = numpy.clip(ramp, 0, 1)
    return numpy.asarray(whole * (1 - stretched) + whole / factor * stretched)


def _llama3(rope: Rope, count: int) -> Array:
    """Scales wave lengths beyond the original context and leaves short ones, with a ramp between."""
    import numpy

    whole, settings = _default(rope, count), rope.settings
    low, high = _number(settings["low_freq_factor"]), _number(settings["high_freq_factor"])
    turns = _original(rope) * whole / (2 * math.pi)
    unchanged = numpy.clip((turns - low) / (high - low), 0, 1)
    return numpy.asarray(whole * unchanged + whole / _number(settings["factor"]) * (1 - unchanged))


def _longrope(rope: Rope, count: int) -> Array:
    import numpy

    return numpy.asarray(_default(rope, count) / numpy.asarray(rope.settings["short_factor"], dtype=float))


def _yarn_attention(rope: Rope) -> float:
    settings = rope.settings
    factor = float(settings.get("factor") or _number(rope.positions) / _original(rope))

    def scale(weight: float) -> float:
        return 0.1 * weight * math.log(factor) + 1 if factor > 1 else 1.0

    if settings.get("mscale") and settings.get("mscale_all_dim"):
        return scale(settings["mscale"]) / scale(settings["mscale_all_dim"])
    return scale(1.0)


def _longrope_attention(rope: Rope) -> float:
    original = _original(rope)
    factor = rope.settings.get("factor") or _number(rope.positions) / original
    return math.sqrt(1 + math.log(factor) / math.log(original)) if factor > 1 else 1.0


def _original(rope: Rope) -> float:
    """Positions before scaling: from the config (Phi 3), from the rotary settings, else all positions."""
    return _number(rope.original or rope.settings.get("original_max_position_embeddings") or rope.positions)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(value)
    return float(value)


FORMULAS: dict[str, Callable[[Rope, int], Array]] = {
    "default": _default,
    "linear": _linear,
    "dynamic": _default,  # dynamic scaling begins beyond the trained positions
    "yarn": _yarn,
    "llama3": _llama3,
    "longrope": _longrope,
}
