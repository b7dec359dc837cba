from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from fixtures.checkpoint.config_parts import text_part
from fixtures.session.uses import uses
from suites.findings import Defect, NotApplicable, Record
from suites.integrity.config_sizes import LAYERS, number

SLIDING = "sliding_attention"
ATTENTION = re.compile(r"(?:^|\.)layers\.(\d+)\.(?:self_attn|attn|attention)$")


@uses("loading")
def test_sliding_window_layers(config: dict[str, Any], model: Any, record: Record) -> None:
    """Each layer has the attention (full or sliding window) that `config.json` declares for it.

    Why: a layer with the wrong window ignores text that it should see, or has too large a cache. Short prompts do not
        show it.
    Fix: list every layer in `layer_types`, and set `sliding_window` and `use_sliding_window` as in training.
    Source: https://huggingface.co/docs/transformers/model_doc/gemma3;
        https://huggingface.co/docs/transformers/cache_explanation
    """
    section = text_part(config)
    types = section.get("layer_types")
    layers = number(section, LAYERS)
    if isinstance(types, list) and layers and len(types) < layers[1]:
        raise Defect(f"layer_types in config.json has {len(types)} entries, but {layers[0]} is {layers[1]}.")
    window = section.get("sliding_window")
    windows = dict(_windows(model))
    other_key = any("local" in key for key in section)
    if isinstance(types, list) and SLIDING in types and not window and windows and not other_key:
        raise Defect(f"config.json declares layers with {SLIDING}, but no sliding_window.")
    if isinstance(window, int) and section.get("use_sliding_window", True):
        _must_be_loaded(window, model, section)
    if isinstance(types, list) and isinstance(window, int):
        windows |= _passed_on(model) if _first_wrong(types, window, windows) is not None else {}
        _must_be_as_declared(types, window, windows)
    sliding = sorted(layer for layer, reach in windows.items() if reach)
    if sliding:
        record.capability(
            "integrity.sliding_window_layers", len(sliding), evidence={"layers": sliding, "reach": windows}
        )
    if not isinstance(types, list) and not isinstance(window, int):
        raise NotApplicable("config.json declares no kinds of layers and no sliding window")


def _windows(model: Any) -> Iterator[tuple[int, int | None]]:
    """Yields layer number and window (None for full attention) of attention modules that declare one."""
    for name, module in model.named_modules():
        match = ATTENTION.search(name)
        if match and "vision" not in name and hasattr(module, "sliding_window"):
            reach = module.sliding_window
            yield int(match[1]), reach if isinstance(reach, int) and reach > 0 else None


def _passed_on(model: Any) -> dict[int, int | None]:
    """The window that each layer passes to the attention function, which counts where its attribute says otherwise.

    Empty if it cannot be watched: an attention function of the model's own file, or of another library.
    """
    import torch
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    name = getattr(model.config.get_text_config(), "_attn_implementation", None)
    own = ALL_ATTENTION_FUNCTIONS.get(name) if name else None
    if own is None:
        return {}
    found: dict[int, int | None] = {}

    def watched(module: Any, *args: Any, **options: Any) -> Any:
        if isinstance(layer := getattr(module, "layer_idx", None), int):
            found[layer] = options.get("sliding_window")
        return own(module, *args, **options)

    ALL_ATTENTION_FUNCTIONS[name] = watched
    try:
        with torch.inference_mode():
            model(input_ids=torch.tensor([[0, 1, 2]], device=model.device))
    except Exception:  # classes may refuse such a call; then the attributes count
        return {}
    finally:
        ALL_ATTENTION_FUNCTIONS[name] = own
    return found


def _must_be_loaded(window: int, model: Any, section: Mapping[str, Any]) -> None:
    """Compares the loaded config, which families without `layer_types` read at each forward pass."""
    __tracebackhide__ = True
    effective = getattr(model.config.get_text_config(), "sliding_window", window)
    if effective != window and not section.get("use_bidirectional_attention"):
        raise Defect(
            f"config.json declares a sliding window of {window} tokens, but the loaded config has {effective}."
        )


def _must_be_as_declared(types: list[str], window: int, windows: Mapping[int, int | None]) -> None:
    __tracebackhide__ = True
    layer = _first_wrong(types, window, windows)
    if layer is not None:
        declared = types[layer] + (f" over {window} tokens" if types[layer] == SLIDING else "")
        seen = f"{windows[layer]} tokens" if windows[layer] else "everything"
        evidence = {"layer_types": types, "sliding_window": window, "in memory": dict(windows)}
        raise Defect(f"Layer {layer} is declared as {declared}, but in memory it sees {seen}.", evidence=evidence)


def _first_wrong(types: list[str], window: int, windows: Mapping[int, int | None]) -> int | None:
    """The first layer whose window is not the declared one."""
    for layer, actual in sorted(windows.items()):
        if layer >= len(types) or types[layer] not in (SLIDING, "full_attention"):
            continue
        expected = window if types[layer] == SLIDING else None
        if actual != expected and not _equivalent(actual, expected):
            return layer
    return None


def _equivalent(actual: int | None, expected: int | None) -> bool:
    """Some families count the token itself."""
    return actual is not None and expected is not None and abs(actual - expected) <= 1
