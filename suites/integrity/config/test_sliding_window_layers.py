from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from suites.findings import Defect, Record
from suites.integrity.config_sizes import LAYERS, number
from suites.integrity.sections import text_section

SLIDING = "sliding_attention"
ATTENTION = re.compile(r"(?:^|\.)layers\.(\d+)\.(?:self_attn|attn|attention)$")


def test_sliding_window_layers(config: dict[str, Any], model: Any, record: Record) -> None:
    """Each layer has the attention, full or over a sliding window, that `config.json` declares for it.

    Why: a layer with the wrong reach forgets what lies beyond the window, or keeps a cache that is too large; short
        prompts show nothing.
    Fix: make `layer_types` as long as there are layers, and set `sliding_window` and `use_sliding_window` as the model
        was trained.
    Source: https://huggingface.co/docs/transformers/model_doc/gemma3;
        https://huggingface.co/docs/transformers/cache_explanation
    """
    section = text_section(config)
    types = section.get("layer_types")
    layers = number(section, LAYERS)
    if isinstance(types, list) and layers and len(types) < layers[1]:
        raise Defect(f"layer_types in config.json names {len(types)} layers, {layers[0]} is {layers[1]}.")
    window = section.get("sliding_window")
    held = dict(_windows(model))
    elsewhere = any("local" in key for key in section)
    if isinstance(types, list) and SLIDING in types and not window and held and not elsewhere:
        raise Defect(f"config.json declares layers of {SLIDING} and no sliding_window.")
    if isinstance(window, int) and section.get("use_sliding_window", True):
        _in_force(window, model, section)
    if isinstance(types, list) and isinstance(window, int):
        _as_declared(types, window, held)
    sliding = sorted(layer for layer, reach in held.items() if reach)
    if sliding:
        record.capability("integrity.sliding_window_layers", len(sliding), evidence={"layers": sliding, "reach": held})


def _windows(model: Any) -> Iterator[tuple[int, int | None]]:
    """Layer number and reach, of modules that have one."""
    for name, module in model.named_modules():
        match = ATTENTION.search(name)
        if match and "vision" not in name and hasattr(module, "sliding_window"):
            reach = module.sliding_window
            yield int(match[1]), reach if isinstance(reach, int) and reach > 0 else None


def _in_force(window: int, model: Any, section: Mapping[str, Any]) -> None:
    """Families whose layers are all alike read the config when they run."""
    __tracebackhide__ = True
    effective = getattr(model.config.get_text_config(), "sliding_window", window)
    if effective != window and not section.get("use_bidirectional_attention"):
        raise Defect(
            f"config.json declares a sliding window of {window} tokens, and the loaded config has {effective}."
        )


def _as_declared(types: list[str], window: int, held: Mapping[int, int | None]) -> None:
    __tracebackhide__ = True
    for layer, reach in sorted(held.items()):
        if layer >= len(types) or types[layer] not in (SLIDING, "full_attention"):
            continue
        wanted = window if types[layer] == SLIDING else None
        if reach != wanted and not _as_well(reach, wanted):
            said = f"is declared as {types[layer]}" + (f" over {wanted} tokens" if wanted else "")
            seen = f"{reach} tokens" if reach else "everything"
            evidence = {"layer_types": types, "sliding_window": window, "in memory": dict(held)}
            raise Defect(f"Layer {layer} {said}, and in memory it sees {seen}.", evidence=evidence)


def _as_well(reach: int | None, wanted: int | None) -> bool:
    """Some families count the token itself."""
    return reach is not None and wanted is not None and abs(reach - wanted) <= 1
