from __future__ import annotations

import re
from typing import Any

from fixtures.models.loading import Loaded
from fixtures.subjects.subject import Subject
from suites.findings import Defect, Hazard

SHOWN = 8
PRETRAINING = re.compile(r"(^|\.)(pooler|seq_relationship)\.")
"""Parts of the second task on which BERT was trained: its published checkpoints keep them, other classes leave them."""


def test_weights_complete(subject: Subject, loaded: Loaded) -> None:
    """Every parameter of the model comes from the checkpoint, and everything in the checkpoint is used.

    Why: a missing parameter is filled with random numbers and only a log line says so; the output stays fluent.
    Fix: rename the tensors to what the model class expects, or convert the checkpoint again with the library version
    that wrote it.
    Source: https://github.com/huggingface/transformers/issues/46402 (a renamed prefix left a tower random)
    """
    missing = sorted(loaded.report["missing_keys"])
    unexpected = sorted(name for name in loaded.report["unexpected_keys"] if not PRETRAINING.search(name))
    mismatched = [_mismatch(*entry) for entry in sorted(loaded.report["mismatched_keys"])]
    meta = [name for name, parameter in loaded.model.named_parameters() if parameter.is_meta]
    evidence = {"missing": missing[:SHOWN], "unexpected": unexpected[:SHOWN], "mismatched": mismatched, "meta": meta}
    if missing or mismatched or meta:
        raise _severity(subject, [*missing, *mismatched, *meta])(
            _summary(loaded.model, missing, mismatched, meta, unexpected), evidence=evidence
        )
    if unexpected:
        raise Hazard(
            f"{len(unexpected)} stored tensors are not used by {_name(loaded.model)}: {_few(unexpected)}.",
            evidence=evidence,
        )


def _severity(subject: Subject, broken: list[str]) -> type[Defect] | type[Hazard]:
    """Bare encoders are often published without the pooler, which mean pooling does not use.

    Where config.json names no class, the base class was a guess.
    """
    architecture = subject.traits.architecture
    bare_pooler = (architecture or "").endswith("Model") and all("pooler." in name for name in broken)
    return Hazard if bare_pooler or architecture is None else Defect


def _summary(model: Any, missing: list[str], mismatched: list[str], meta: list[str], unexpected: list[str]) -> str:
    parts = [f"{len(missing)} parameters are missing and were made up at random: {_few(missing)}"] * bool(missing)
    parts += [f"{len(mismatched)} do not have the stored shape: {_few(mismatched)}"] * bool(mismatched)
    parts += [f"{len(meta)} were left without storage on the meta device: {_few(meta)}"] * bool(meta)
    parts += [f"{len(unexpected)} stored tensors are not used: {_few(unexpected)}"] * bool(unexpected)
    return f"{_name(model)}: {'; '.join(parts)}."


def _mismatch(name: str, stored: Any, expected: Any) -> str:
    shapes = f" ({list(stored)} stored, {list(expected)} by config.json)" if expected else ""
    return name + shapes


def _name(model: Any) -> str:
    return type(model).__name__


def _few(names: list[str], shown: int = 3) -> str:
    return ", ".join(names[:shown]) + (" ..." if len(names) > shown else "")
