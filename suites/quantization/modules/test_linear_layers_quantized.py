from __future__ import annotations

from fixtures.machine import library_versions
from fixtures.models.loading import Loaded
from suites.findings import Defect, Finding, Hazard
from suites.quantization.modules.linear import HEAD, LAST, TIED, Linear, linear_layers, skip_list


def test_linear_layers_quantized(quantized: Loaded) -> None:
    """Every linear layer is quantized, save the head, what is tied to the embedding and what was to be left alone.

    Why: a layer that stays in full precision costs the memory that was to be saved; a head, or a layer that its class
        keeps in float32, costs quality when it is quantized, and no error tells.
    Fix: look at `llm_int8_skip_modules` of the quantization config and at `_keep_in_fp32_modules` of the class.
    Source: https://huggingface.co/docs/transformers/quantization/bitsandbytes (skip modules);
        https://github.com/huggingface/transformers/issues/24037 (a skip list that was ignored)
    """
    skipped = skip_list(quantized.model)
    found = linear_layers(quantized.model, skipped)
    wrong = [layer for layer in found if not layer.right]
    if wrong:
        raise told(wrong, len(found), skipped)


def told(wrong: list[Linear], count: int, skipped: list[str]) -> Finding:
    """What this version of the library does to heads, under a list of the user's or of classifiers, is a hazard."""
    first = next((layer for layer in wrong if layer.quantized), wrong[0])
    evidence = {
        "quantized, to be kept": {layer.name: layer.kept_for for layer in wrong if layer.quantized},
        "kept, to be quantized": [layer.name for layer in wrong if not layer.quantized],
        "linear layers": count,
        "skip list": skipped,
    }
    if first.quantized:
        what = f"{first.name} is quantized, although it is {first.kept_for}"
        if skipped and first.kept_for in (HEAD, TIED):
            return Hazard(f"{what}: with a skip list of one's own the library forgets it.", evidence=evidence)
        if first.kept_for == LAST:
            version = library_versions.version()
            why = f"transformers {version} looks for the name of its last parameter, a bias, among modules"
            return Hazard(f"{what}: {why}.", evidence=evidence, remedy=f'Pass llm_int8_skip_modules=["{first.name}"].')
        return Defect(f"{what}.", evidence=evidence)
    more = f", as {len(wrong) - 1} others do" if len(wrong) > 1 else ""
    return Defect(f"{first.name} stays in full precision, and nothing says that it should{more}.", evidence=evidence)
