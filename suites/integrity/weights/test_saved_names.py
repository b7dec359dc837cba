from __future__ import annotations

import tempfile
import warnings
from typing import Any

from fixtures.machine import library_versions
from fixtures.models.weight_statistics import TensorStatistics
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.subjects.variant import Variant
from suites.findings import Defect, Refused
from suites.integrity.tensor_names import few


@needs("full_weights")
@uses("sharing")
def test_saved_names(weight_statistics: dict[str, TensorStatistics], model: Any, variant: Variant) -> None:
    """`save_pretrained` saves all weights, under the names of the checkpoint or of the model.

    Why: the library renames tensors when it loads old checkpoints, and back when it saves. If the two do not match, a
        saved copy of the model loads with random values in these parameters.
    Fix: report it to the library; until it is fixed, save `model.state_dict()` under the original names.
    Source: https://github.com/huggingface/transformers/issues/48075 (a wrong key was saved)
    """
    with tempfile.TemporaryDirectory() as directory, library_versions.tensor_names_instead_of_files() as written:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _save(model, directory)
        saved = {name for tensors in written.values() for name in tensors}
    in_memory = set(model.state_dict())
    unknown = sorted(saved - in_memory - set(weight_statistics))
    lost = sorted((set(weight_statistics) & in_memory) - saved - _shared(model))
    if saved and (unknown or lost):
        parts = [f"writes {few(unknown)}, which neither the checkpoint nor the model has"] * bool(unknown)
        parts += [f"leaves out {few(lost)}"] * bool(lost)
        evidence = {"odd": unknown[:20], "left out": lost[:20]}
        raise Defect(f"save_pretrained() {' and '.join(parts)}.", evidence=evidence)


def _save(model: Any, directory: str) -> None:
    try:
        model.save_pretrained(directory)
    except Exception as error:
        raise Refused(f"save_pretrained() fails with {type(error).__name__}: {str(error)[:200]}") from error


def _shared(model: Any) -> set[str]:
    """Names of tensors that share their storage with another one."""
    names: dict[int, list[str]] = {}
    for name, tensor in model.state_dict().items():
        names.setdefault(tensor.data_ptr(), []).append(name)
    return {name for group in names.values() if len(group) > 1 for name in group}
