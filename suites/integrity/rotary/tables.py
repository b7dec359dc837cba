"""Rotary frequency tables of a loaded model, each with the settings that its config declares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from suites.integrity.rotary.declared import FULL, SLIDING, Rope, declared, with_default_theta
from suites.integrity.sections import section_of

NOT_TEXT = ("vis", "image", "audio", "video")
"""Parts of the path of a table for images or sound, which has other formulas."""
SUFFIX = "inv_freq"
CHANGES_AT_RUN_TIME = ("dynamic", "longrope")
"""Kinds whose table changes while the model runs; the model also stores the initial table."""


@dataclass(frozen=True)
class Table:
    """One table of inverse frequencies."""

    name: str
    values: Any
    """In float64, on the CPU."""
    dtype: str
    scaling: float | None
    """Factor of cosine and sine, if the module declares one."""
    in_file: list[Rope]
    """Settings of config.json that may belong to the table; several if its layer type is not known."""
    in_memory: list[Rope]
    """Likewise of the config object in memory."""


def tables(model: Any, file: dict[str, Any]) -> Iterator[Table]:
    """Yields every rotary table of a text model."""
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
    in_file = _of_layer_type(with_default_theta(declared(section), effective), _layer_type(path, prefix))
    if any(rope.kind in CHANGES_AT_RUN_TIME for rope in in_file):
        buffer = getattr(module, f"{prefix}original_{SUFFIX}", buffer)
    scaling = getattr(module, f"{prefix}attention_scaling", None)
    return Table(
        name,
        buffer.detach().double().cpu().numpy(),
        str(buffer.dtype).removeprefix("torch."),
        scaling if _is_number(scaling) else None,
        in_file,
        _of_layer_type(effective, _layer_type(path, prefix)),
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _layer_type(path: str, prefix: str) -> str | None:
    last = path.rpartition(".")[2]
    if prefix.rstrip("_") or last in (FULL, SLIDING):
        return prefix.rstrip("_") or last
    return SLIDING if "local" in last else None


def _of_layer_type(ropes: dict[str | None, Rope], layer_type: str | None) -> list[Rope]:
    if layer_type in ropes:
        return [ropes[layer_type]]
    if None in ropes and layer_type == SLIDING:  # scaling may apply to layers with full attention only
        return [ropes[None], replace(ropes[None], kind="default", settings={})]
    return list(ropes.values())
