from __future__ import annotations

from fixtures.models.loading import Loaded
from fixtures.quantization import registry
from fixtures.subjects.subject import Subject
from suites.findings import Defect, Hazard


def test_state_is_whole(quantized: Loaded, subject: Subject) -> None:
    """The table of numbers is the format's, each block has a finite scale that its numbers reach, and none is noise.

    Why: the table and the scales say what the bits mean; with another table, or a scale that is no number, the layer
        gives other outputs or NaN, and nothing checks it when a quantized checkpoint is loaded. Numbers that miss what
        quantization by the largest magnitude always leaves were changed afterwards.
    Fix: quantize again from the full weights, or download the checkpoint again.
    Source: https://arxiv.org/abs/2305.14314 (appendix E, the numbers of NF4);
        https://github.com/bitsandbytes-foundation/bitsandbytes/blob/main/CHANGELOG.md
    """
    wrong = {name: told for name, layer in registry.layers(quantized.model).items() if (told := layer.wrong())}
    if wrong:
        name, told = next(iter(wrong.items()))
        raise Defect(f"{name}: {told}.", evidence={"layers": len(wrong), "first": dict(list(wrong.items())[:10])})
    if told := _contradicted(quantized, subject):
        raise Hazard(told, remedy="Correct quantization_config in config.json: the library follows the stored state.")


def _contradicted(quantized: Loaded, subject: Subject) -> str | None:
    """What config.json says of weights that are stored in another form."""
    said = registry.declared_form(subject.json("config.json"))
    for name, layer in registry.layers(quantized.model).items():
        if said is not None and layer.form != said:
            return f"config.json says {said} in quantization_config, and {name} is stored as {layer.form}."
    return None
