from __future__ import annotations

from fixtures.machine import library_versions
from fixtures.models.loading import Loaded
from fixtures.quantization import registry
from fixtures.session.uses import uses
from suites.findings import Defect, Finding, Hazard
from suites.quantization.linear import HEAD, LAST, TIED, Linear, linear_layers, skip_list


@uses("quantization")
def test_linear_layers_quantized(quantized: Loaded) -> None:
    """Every linear layer is quantized except the head, layers tied to the embedding and layers on the skip list.

    Why: a layer that stays in full precision takes the memory that quantization should save. A quantized head, or a
        quantized layer that its class keeps in float32, loses quality without an error.
    Fix: check the skip list of the quantization config (`llm_int8_skip_modules` in bitsandbytes) and
        `_keep_in_fp32_modules` of the class.
    Source: https://huggingface.co/docs/transformers/quantization/bitsandbytes (skip modules);
        https://github.com/huggingface/transformers/issues/24037 (a skip list that was ignored)
    """
    skipped = skip_list(quantized.model)
    found = linear_layers(quantized.model, skipped)
    wrong = [layer for layer in found if not layer.as_expected]
    if wrong:
        skip_option = registry.backend_of_model(quantized.model).skip_option
        raise finding(wrong, len(found), skipped, skip_option)


def finding(wrong: list[Linear], count: int, skipped: list[str], skip_option: str) -> Finding:
    """Returns a hazard if this version of transformers quantizes heads of classifiers, or heads given a skip list."""
    first = next((layer for layer in wrong if layer.quantized), wrong[0])
    evidence = {
        "quantized, to be kept": {layer.name: layer.expected_full for layer in wrong if layer.quantized},
        "kept, to be quantized": [layer.name for layer in wrong if not layer.quantized],
        "linear layers": count,
        "skip list": skipped,
    }
    if first.quantized:
        what = f"{first.name} is quantized, although it is {first.expected_full}"
        if skipped and first.expected_full in (HEAD, TIED):
            return Hazard(
                f"{what}: with a skip list of your own, the library quantizes it.", evidence=evidence, about="library"
            )
        if first.expected_full == LAST:
            version = library_versions.version()
            why = f"transformers {version} looks for the name of its last parameter, a bias, among modules"
            fix = f'Pass {skip_option}=["{first.name}"].'
            return Hazard(f"{what}: {why}.", evidence=evidence, fix=fix, about="library")
        return Defect(f"{what}.", evidence=evidence)
    more = f", and {len(wrong) - 1} others too" if len(wrong) > 1 else ""
    return Defect(f"{first.name} stays in full precision, and nothing asks for that{more}.", evidence=evidence)
