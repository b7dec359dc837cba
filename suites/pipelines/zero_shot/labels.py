"""Candidate labels of zero-shot tasks, and the score of each."""

from __future__ import annotations

from typing import Any

from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.contract import Contract

TASKS = ("zero-shot-classification", "zero-shot-image-classification", "zero-shot-audio-classification")


def labels_of(contract: Contract, pipe: Pipe) -> list[str]:
    """Returns the candidate labels of the contract's samples."""
    return list(contract.options(pipe)["candidate_labels"])


def scores(answer: Any) -> dict[str, float]:
    """Returns scores by label, from parallel lists (`labels`, `scores`) or from a list of entries."""
    if isinstance(answer, dict):
        return dict(zip(answer["labels"], map(float, answer["scores"]), strict=True))
    return {entry["label"]: float(entry["score"]) for entry in answer}
