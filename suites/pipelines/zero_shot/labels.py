"""Labels that the caller names, and the score of each."""

from __future__ import annotations

from typing import Any

from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.contract import Contract

TASKS = ("zero-shot-classification", "zero-shot-image-classification", "zero-shot-audio-classification")


def labels_of(contract: Contract, pipe: Pipe) -> list[str]:
    """The labels that the contract's samples are given."""
    return list(contract.options(pipe)["candidate_labels"])


def scores(answer: Any) -> dict[str, float]:
    """Label to score: of a text's answer (`labels` beside `scores`) and of a list of pairs."""
    if isinstance(answer, dict):
        return dict(zip(answer["labels"], map(float, answer["scores"]), strict=True))
    return {entry["label"]: float(entry["score"]) for entry in answer}
