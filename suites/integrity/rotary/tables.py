"""The tables of frequencies that a loaded model holds, beside what its config says of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from suites.integrity.rotary.declared import FULL, SLIDING, Rope, completed, declared
from suites.integrity.sections import section_of

NOT_TEXT = ("vis", "image", "audio", "video")
"""In the path of a table of pixels or sounds, which has formulas of its own."""
SUFFIX = "inv_freq"
LATER = ("dynamic", "longrope")
"""Kinds whose table changes while the model runs; the first one stays beside it."""


@dataclass(frozen=True)
class Table:
    """One table of inverse frequencies."""

    name: str
    values: Any
    """In float64, on the CPU."""
    dtype: str
    scaling: float | None
    """What cosine and sine are multiplied by, where the module says so."""
    said: list[Rope]
    """What the file may mean for it; several where a layer type cannot be told."""
    held: list[Rope]
    """The same of the config object in memory."""


def tables(model: Any, file: dict[str, Any]) -> Iterator[Table]:
    """Every rotary table of a text model."""
    for name, buffer in model.named_buffers():
        path, _, last = name.rpartition(".")
        if not last.endswith(SUFFIX) or "original" in last or any(word in path for word in NOT_TEXT):
            continue
        module = model.get_submodule(path)
        config = getattr(module, "config", None)
        section = section_of(model.config, config, file)
        if config is not None and section is not None and not buffer.is_meta:
            yield _table(name, module, buffer, section, config.to_dict())


def _table(name: str, module: Any, buffer: Any, section: dict[str, Any], config: dict[str, Any]) -> Table:
    path, _, last = name.rpartition(".")
    prefix = last.removesuffix(SUFFIX)
    effective = declared(config)
    said = _for(completed(declared(section), effective), _layer_type(path, prefix))
    if any(rope.kind in LATER for rope in said):
        buffer = getattr(module, f"{prefix}original_{SUFFIX}", buffer)
    scaling = getattr(module, f"{prefix}attention_scaling", None)
    values = buffer.detach().double().cpu().numpy()
    return Table(name, values, str(buffer.dtype).removeprefix("torch."), scaling if _is_number(scaling) else None, said,
                 _for(effective, _layer_type(path, prefix)))  # fmt: skip


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _layer_type(path: str, prefix: str) -> str | None:
    last = path.rpartition(".")[2]
    if prefix.rstrip("_") or last in (FULL, SLIDING):
        return prefix.rstrip("_") or last
    return SLIDING if "local" in last else None


def _for(ropes: dict[str | None, Rope], layer_type: str | None) -> list[Rope]:
    if layer_type in ropes:
        return [ropes[layer_type]]
    if None in ropes and layer_type == SLIDING:  # scaling may be for the layers that see everything
        return [ropes[None], replace(ropes[None], kind="default", settings={})]
    return list(ropes.values())
