from __future__ import annotations

from fixtures.models.loading import Loaded
from fixtures.quantization import registry
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Defect, Hazard


@uses("quantization")
def test_state_is_whole(quantized: Loaded, subject: Subject) -> None:
    """Each layer has the format's table of numbers and finite scales that its numbers reach; none holds noise.

    Why: the table and the scales define what the bits mean. With another table or a NaN scale the layer gives wrong
        outputs or NaN, and loading a quantized checkpoint checks none of it. Numbers without the properties that
        quantization by the largest magnitude always leaves were changed afterwards.
    Fix: quantize again from the full weights, or download the checkpoint again.
    Source: https://arxiv.org/abs/2305.14314 (appendix E, the numbers of NF4);
        https://github.com/bitsandbytes-foundation/bitsandbytes/blob/main/CHANGELOG.md
    """
    layers = registry.layers(quantized.model)
    errors = {name: error for name, layer in layers.items() if (error := layer.state_error())}
    if errors:
        name, error = next(iter(errors.items()))
        raise Defect(f"{name}: {error}.", evidence={"layers": len(errors), "first": dict(list(errors.items())[:10])})
    declared = registry.declared_scheme(subject.json("config.json"))
    for name, layer in layers.items():
        if declared is not None and layer.scheme != declared:
            raise Hazard(
                f"config.json says {declared} in quantization_config, and {name} is stored as {layer.scheme}.",
                fix="Correct quantization_config in config.json: the library follows the stored state.",
            )
