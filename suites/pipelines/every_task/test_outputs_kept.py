from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fixtures.inputs.canaries import Canary
from fixtures.pipelines.pipe import Pipe
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Record
from suites.pipelines.contracts.agreement import rounding
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.registry import comparable_contract

NAME = "Outputs of the samples"
SAMPLES = 4
"""Samples of the contract, in addition to the canaries."""
TOLERANCE = 0.01
"""Tolerance for scores: versions of a library sum in different orders."""


@uses("task", worst="nothing")
def test_outputs_kept(subject: Subject, pipe: Pipe, task: str, record: Record) -> None:
    """Answers to fixed inputs are recorded, so that a comparison with a baseline shows changed labels and texts.

    Why: an upgrade of the library can swap labels, drop a key or preprocess an input differently without any error.
    Fix: Nothing is wrong; save a baseline with --save-baseline, and compare with --baseline after an upgrade.
    Source: https://huggingface.co/docs/transformers/main_classes/pipelines;
        https://github.com/huggingface/transformers/issues/3093
    """
    contract = comparable_contract(pipe)
    inputs = {f"sample {number}": sample for number, sample in enumerate(contract.samples(pipe)[:SAMPLES], 1)}
    outputs = {name: _output(contract, contract.answer(pipe, sample)) for name, sample in inputs.items()}
    for name, sample, output in _of_canaries(contract, pipe, subject.canaries(task)):
        inputs[name], outputs[name] = sample, output
    recorded = {name: _to_json(sample) for name, sample in inputs.items()}
    version = hashlib.sha256(json.dumps(recorded, sort_keys=True).encode()).hexdigest()[:12]
    by = "the library's pipeline" if pipe.library is not None else "its model classes"
    record.observations(NAME, outputs, kind="outputs", version=version, tolerance=max(TOLERANCE, rounding(pipe)), by=by)


def _of_canaries(
    contract: Contract, pipe: Pipe, canaries: tuple[Canary, ...]
) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Yields name, input and output of each canary that is answered; `pipelines/canaries` reports the others."""
    for number, canary in enumerate(canaries, 1):
        try:
            sample = contract.canary_input(canary.input, pipe)
            yield f"canary {number}", sample, _output(contract, contract.answer(pipe, sample))
        except MemoryError:
            raise
        except Exception:  # any error of the library for an input of the user
            continue


def _output(contract: Contract, answer: Any) -> dict[str, Any]:
    try:
        means = "" if contract.meaning is str else contract.meaning(answer)
    except (LookupError, TypeError, ValueError):  # an invalid answer: reported by pipelines/output-conforms
        means = ""
    return {"means": means if len(means) <= 200 else means[:200] + "…", "answer": _to_json(answer)}


def _to_json(value: Any) -> Any:
    """Converts an input or an answer to JSON; arrays and images become a summary."""
    import numpy

    if hasattr(value, "detach"):
        value = value.detach().cpu().float().numpy()
    if hasattr(value, "getbands"):
        value = numpy.asarray(value)
    if isinstance(value, str) and os.path.isfile(value):
        return Path(value).name  # a generated video, in a temporary directory
    if isinstance(value, Mapping):
        return {str(name): _to_json(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return _summary(value) if _is_array(value) else [_to_json(each) for each in value]
    if isinstance(value, numpy.ndarray):
        return _summary(value)
    if isinstance(value, numpy.generic):
        return value.item()
    return value if isinstance(value, (str, int, float, bool)) or value is None else type(value).__name__


def _is_array(value: Sequence[Any]) -> bool:
    """True for nested lists of many numbers, such as features."""
    import numpy

    try:
        array = numpy.asarray(value)
    except ValueError:  # rows of different length
        return False
    return array.dtype.kind in "iuf" and array.size > 16


def _summary(value: Any) -> dict[str, Any]:
    """Returns shape, standard deviation and some values of an array."""
    import numpy

    array = numpy.asarray(value, dtype="float64")
    few = [float(f"{each:.6g}") for each in array.ravel()[:: max(1, array.size // 8)][:8]]
    return {"shape": list(array.shape), "spread": float(f"{array.std():.6g}") if array.size else 0.0, "values": few}
