from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from fixtures.inputs.canaries import Canary
from fixtures.pipelines.pipe import Pipe
from fixtures.subjects.subject import Subject
from suites.findings import Record
from suites.pipelines.contracts.agreement import rounding
from suites.pipelines.contracts.contract import Contract
from suites.pipelines.contracts.registry import comparable_contract

NAME = "Outputs of the samples"
FEW = 4
"""Samples beside the canaries: the contracts' first ones."""
SCORES = 0.01
"""Scores are kept to two digits: versions of a library compute them in other orders."""


def test_outputs_kept(subject: Subject, pipe: Pipe, task: str, record: Record) -> None:
    """A pipeline's answers to fixed inputs are recorded, so that a run against a baseline names labels and texts that
    changed.

    Why: an upgrade of the library can swap labels, drop a key or prepare an input in another way, and raises nothing.
    Fix: Nothing is wrong; keep a baseline with --save-baseline and compare with --baseline after an upgrade.
    Source: https://huggingface.co/docs/transformers/main_classes/pipelines;
        https://github.com/huggingface/transformers/issues/3093
    """
    contract = comparable_contract(pipe)
    inputs = {f"sample {number}": sample for number, sample in enumerate(contract.samples(pipe)[:FEW], 1)}
    outputs = {name: _output(contract, contract.answer(pipe, given)) for name, given in inputs.items()}
    for name, given, output in _of_canaries(contract, pipe, subject.canaries(task)):
        inputs[name], outputs[name] = given, output
    told = {name: _digestible(given) for name, given in inputs.items()}
    version = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]
    by = "the library's pipeline" if pipe.library is not None else "its model classes"
    record.keep(NAME, outputs, kind="outputs", version=version, tolerance=max(SCORES, rounding(pipe)), by=by)


def _of_canaries(
    contract: Contract, pipe: Pipe, canaries: tuple[Canary, ...]
) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """Name, input and output of each that is answered; `pipelines/canaries` tells of the others."""
    for number, canary in enumerate(canaries, 1):
        try:
            given = contract.canary_input(canary.input, pipe)
            yield f"canary {number}", given, _output(contract, contract.answer(pipe, given))
        except MemoryError:
            raise
        except Exception:  # whatever the library raises at an input of the user's
            continue


def _output(contract: Contract, answer: Any) -> dict[str, Any]:
    try:
        means = "" if contract.meaning is str else contract.meaning(answer)
    except (LookupError, TypeError, ValueError):  # an answer of another shape: pipelines/output-conforms tells it
        means = ""
    small = _digestible(answer)
    return {"means": means if len(means) <= 200 else means[:200] + "…", "answer": small}


def _digestible(value: Any) -> Any:
    """JSON of an input or an answer: arrays and pictures by their shape and what sums them up."""
    import numpy

    if hasattr(value, "detach"):
        value = value.detach().cpu().float().numpy()
    if hasattr(value, "getbands"):
        value = numpy.asarray(value)
    if isinstance(value, str) and os.path.isfile(value):
        return Path(value).name  # a video of ours, in a directory of this run
    if isinstance(value, Mapping):
        return {str(name): _digestible(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return _summed(value) if _long(value) else [_digestible(each) for each in value]
    if isinstance(value, numpy.ndarray):
        return _summed(value)
    if isinstance(value, numpy.generic):
        return value.item()
    return value if isinstance(value, (str, int, float, bool)) or value is None else type(value).__name__


def _long(value: Sequence[Any]) -> bool:
    """Nested lists of many numbers, such as features."""
    import numpy

    try:
        array = numpy.asarray(value)
    except ValueError:  # rows of different length
        return False
    return array.dtype.kind in "iuf" and array.size > 16


def _summed(value: Any) -> dict[str, Any]:
    """Shape, mean, spread and some values of an array."""
    import numpy

    array = numpy.asarray(value, dtype="float64")
    few = [float(f"{each:.6g}") for each in array.ravel()[:: max(1, array.size // 8)][:8]]
    return {"shape": list(array.shape), "spread": float(f"{array.std():.6g}") if array.size else 0.0, "values": few}
