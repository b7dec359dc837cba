from __future__ import annotations

import re
from typing import Any

from fixtures.models.loading import Loaded
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Blocked, Defect, Hazard
from suites.integrity.tensor_names import few
from suites.integrity.weights import shards

SHOWN_NAMES = 8
PRETRAINING = re.compile(r"(^|\.)(pooler|seq_relationship)\.")
"""Parts of BERT's second pretraining task, which published checkpoints contain and other classes do not use."""


@uses("loading")
def test_weights_complete(subject: Subject, loaded: Loaded) -> None:
    """Every parameter of the model comes from the checkpoint, and every tensor of the checkpoint is used.

    Why: a missing parameter is randomly initialised, with only a line in the log; the output stays fluent.
    Fix: rename the tensors to what the model class expects, or convert the checkpoint again with the library version
        that wrote it.
    Source: https://github.com/huggingface/transformers/issues/46402 (a renamed prefix left a tower random)
    """
    missing = sorted(loaded.report["missing_keys"])
    unexpected = sorted(name for name in loaded.report["unexpected_keys"] if not PRETRAINING.search(name))
    mismatched = [_mismatch(*entry) for entry in sorted(loaded.report["mismatched_keys"])]
    meta = [name for name, parameter in loaded.model.named_parameters() if parameter.is_meta]
    evidence = {
        "missing": missing[:SHOWN_NAMES],
        "unexpected": unexpected[:SHOWN_NAMES],
        "mismatched": mismatched,
        "meta": meta,
    }
    if missing:
        _blame_index(subject)
    if missing or mismatched or meta:
        raise _severity(subject, [*missing, *mismatched, *meta])(
            _summary(loaded.model, missing, mismatched, meta, unexpected), evidence=evidence
        )
    if unexpected:
        raise Hazard(
            f"{len(unexpected)} stored tensors are not used by {_name(loaded.model)}: {few(unexpected)}.",
            evidence=evidence,
        )


def _blame_index(subject: Subject) -> None:
    """Raises Blocked if tensors are missing because the index and the shards do not agree."""
    __tracebackhide__ = True
    index = shards.index_of(subject.path) if subject.traits.has_weights else None
    try:
        shards.must_agree(index or {}, subject.path)
    except Defect as defect:
        raise Blocked("integrity/index-agrees", f"parameters are missing: {defect.summary}") from defect
    except Hazard:
        return


def _severity(subject: Subject, broken: list[str]) -> type[Defect] | type[Hazard]:
    """Returns Hazard for an encoder without its pooler, which mean pooling does not use, or if the class was guessed.

    The class is guessed if config.json names none.
    """
    architecture = subject.traits.architecture
    bare_pooler = (architecture or "").endswith("Model") and all("pooler." in name for name in broken)
    return Hazard if bare_pooler or architecture is None else Defect


def _summary(model: Any, missing: list[str], mismatched: list[str], meta: list[str], unexpected: list[str]) -> str:
    parts = [
        f"{len(missing)} parameters are missing from the checkpoint and were initialised at random: {few(missing)}"
    ] * bool(missing)
    parts += [f"{len(mismatched)} parameters have another shape than stored: {few(mismatched)}"] * bool(mismatched)
    parts += [f"{len(meta)} parameters were left without values on the meta device: {few(meta)}"] * bool(meta)
    parts += [f"{len(unexpected)} stored tensors are not used: {few(unexpected)}"] * bool(unexpected)
    return f"{_name(model)}: {'; '.join(parts)}."


def _mismatch(name: str, stored: Any, expected: Any) -> str:
    shapes = f" (stored: {list(stored)}, by config.json: {list(expected)})" if expected else ""
    return name + shapes


def _name(model: Any) -> str:
    return type(model).__name__
