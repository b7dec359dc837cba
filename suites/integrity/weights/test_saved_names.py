from __future__ import annotations

import tempfile
import warnings
from typing import Any

from fixtures.machine import library_versions
from fixtures.models.weight_statistics import Stored
from fixtures.session.needs import needs
from fixtures.subjects.variant import Variant
from suites.findings import Defect, Unsupported
from suites.integrity.tensor_names import few


@needs("full_weights")
def test_saved_names(
    stored: dict[str, Stored],
    model: Any,
    variant: Variant,
) -> None:
    """`save_pretrained` names the weights as the checkpoint does, or as the model does, and leaves none out.

    Why: the library renames tensors when it loads old checkpoints, and back when it saves. Where the two do not fit, a
        fine-tuned copy loads with random numbers in those places.
    Fix: report it to the library; until then save `model.state_dict()` under the original names.
    Source: https://github.com/huggingface/transformers/issues/48075 (a wrong key was saved)
    """
    if variant.quantization != "none":
        raise Unsupported(f"{variant.quantization} stores other tensors than the checkpoint has")
    with tempfile.TemporaryDirectory() as directory, library_versions.files_not_written() as written:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _save(model, directory)
        saved = {name for tensors in written.values() for name in tensors}
    held = set(model.state_dict())
    odd = sorted(saved - held - set(stored))
    lost = sorted((set(stored) & held) - saved - _shared(model))
    if saved and (odd or lost):
        parts = [f"writes {few(odd)}, which neither the checkpoint nor the model has"] * bool(odd)
        parts += [f"leaves out {few(lost)}"] * bool(lost)
        raise Defect(f"save_pretrained {' and '.join(parts)}.", evidence={"odd": odd[:20], "left out": lost[:20]})


def _save(model: Any, directory: str) -> None:
    try:
        model.save_pretrained(directory)
    except Exception as error:  # told by the checks of what is wrong with it
        raise Unsupported(f"the model cannot be saved: {type(error).__name__}") from error


def _shared(model: Any) -> set[str]:
    """Names of tensors that another name stands for too."""
    names: dict[int, list[str]] = {}
    for name, tensor in model.state_dict().items():
        names.setdefault(tensor.data_ptr(), []).append(name)
    return {name for group in names.values() if len(group) > 1 for name in group}
