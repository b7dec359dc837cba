"""Rotary settings declared in a config, in the spellings of transformers 4 and 5."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

DICTIONARIES = ("rope_scaling", "rope_parameters")
"""If a config has both, transformers 5 takes the first."""
THETAS = ("rope_theta", "rotary_emb_base", "rope_embedding_base", "global_rope_theta")
LOCAL_THETAS = ("rope_local_base_freq", "local_rope_theta")
OTHER_NAMES = {"su": "longrope", "mrope": "default"}
FULL, SLIDING = "full_attention", "sliding_attention"


@dataclass(frozen=True)
class Rope:
    """The settings of one table of frequencies."""

    kind: str
    """`default`, `linear`, `dynamic`, `yarn`, `llama3`, `longrope` ..."""
    theta: float | None
    settings: Mapping[str, Any] = field(default_factory=dict)
    positions: int | None = None
    """`max_position_embeddings`."""
    original: int | None = None
    """Positions before scaling, if the config has them outside of the rotary settings."""

    def __str__(self) -> str:
        factor = self.settings.get("factor")
        scaling = "" if self.kind == "default" else f", {self.kind} scaling" + (f" by {factor}" if factor else "")
        return f"theta {self.theta:g}{scaling}" if self.theta else f"no theta{scaling}"


def declared(config: Mapping[str, Any]) -> dict[str | None, Rope]:
    """Returns the settings by layer type (None: all layers); empty if the config has none."""
    inner: Mapping[str, Any]
    inner = next((config[key] for key in DICTIONARIES if isinstance(config.get(key), dict) and config[key]), {})
    nested = {name: each for name, each in inner.items() if isinstance(each, dict)}
    if nested:
        return {name: _rope(config, each) for name, each in nested.items()}
    local = next((config[key] for key in LOCAL_THETAS if isinstance(config.get(key), (int, float))), None)
    whole = _rope(config, inner)
    if local is not None:
        return {FULL: whole, SLIDING: replace(whole, kind="default", theta=float(local), settings={})}
    return {None: whole} if inner or whole.theta is not None else {}


def with_default_theta(in_file: dict[str | None, Rope], effective: dict[str | None, Rope]) -> dict[str | None, Rope]:
    """Returns the settings of the file, with the library's default theta if the file has none."""
    if not in_file:
        return {name: rope for name, rope in effective.items() if rope.kind == "default"}
    return {
        name: rope if rope.theta else replace(rope, theta=_theta_for(name, effective)) for name, rope in in_file.items()
    }


def _theta_for(name: str | None, effective: dict[str | None, Rope]) -> float | None:
    found = effective.get(name) or effective.get(None) or next(iter(effective.values()), None)
    return found.theta if found else None


def _rope(config: Mapping[str, Any], inner: Mapping[str, Any]) -> Rope:
    kind = str(inner.get("rope_type") or inner.get("type") or "default")
    thetas = [inner.get("rope_theta"), *(config.get(key) for key in THETAS)]
    theta = next((float(each) for each in thetas if isinstance(each, (int, float)) and each > 0), None)
    return Rope(
        OTHER_NAMES.get(kind, kind),
        theta,
        inner,
        _count(config.get("max_position_embeddings")),
        _count(config.get("original_max_position_embeddings")),
    )


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and value > 0 else None
