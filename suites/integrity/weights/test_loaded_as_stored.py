from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from fixtures.machine import library_versions
from fixtures.models.loading import Loaded
from fixtures.models.weight_statistics import FLOATS, TensorStatistics, digest_of, sampled
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from suites.findings import Defect, Limit, Record


@dataclass(frozen=True)
class Pair:
    """A tensor in memory and the stored tensor of the same name."""

    name: str
    memory: Any
    stored: TensorStatistics


@needs("full_weights")
@uses("loading")
def test_loaded_as_stored(weight_statistics: dict[str, TensorStatistics], loaded: Loaded, record: Record) -> None:
    """Every parameter in memory has the values of the stored tensor of the same name, in the requested dtype.

    Why: tying, renaming and initialising after loading can overwrite a trained tensor with another one or with random
        numbers, and the loader does not report it.
    Fix: pin a version of the library that loads the parameter that the finding names, or correct
        `tie_word_embeddings`.
    Source: https://github.com/huggingface/transformers/issues/48154 (embeddings loaded from the head);
        https://github.com/huggingface/transformers/issues/45079 (initialised again)
    """
    compared = 0
    for pair in pairs(loaded.model, weight_statistics):
        compared += 1
        if kind := _difference(pair):
            raise Defect(
                f"{pair.name} in memory differs from the stored tensor: {_instead(pair, weight_statistics, kind)}.",
                evidence={"parameter": pair.name, "file": pair.stored.tensor.file},
            )
    record.capability("integrity.tensors_compared", compared, evidence={"stored": len(weight_statistics)})
    if not compared:
        raise Limit("loading rewrites every tensor, so that none can be compared with a stored one")


def pairs(model: Any, stored: dict[str, TensorStatistics]) -> Iterator[Pair]:
    """Yields pairs of float tensors that loading does not rewrite (quantize, fuse, split or rename)."""
    rewritten, prefix = library_versions.rewritten_at_loading(model), f"{model.base_model_prefix}."
    for name, tensor in model.state_dict().items():
        here = next((each for each in (name, prefix + name, name.removeprefix(prefix)) if each in stored), None)
        if here is None or tensor.is_meta or rewritten(name) or not stored[here].is_float:
            continue
        if tensor.is_floating_point() and tuple(tensor.shape) == stored[here].tensor.shape:
            yield Pair(name, tensor, stored[here])


def _difference(pair: Pair) -> str:
    """Returns 'wholly' or 'in part' if the two differ, else an empty string."""
    if _dtype(pair.memory) == FLOATS[pair.stored.tensor.dtype]:
        if digest_of(pair.memory) == pair.stored.digest:
            return ""
        return "wholly" if _sample_differs(pair) > 0.5 else "in part"
    share = _sample_differs(pair)
    return "" if not share else "wholly" if share > 0.5 else "in part"


def _dtype(tensor: Any) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _sample_differs(pair: Pair) -> float:
    """The share of sampled values that differ from the stored ones, rounded once to the dtype in memory."""
    import torch

    flat = pair.memory.detach().reshape(-1)
    indices = torch.tensor(sampled(flat.numel()), device=flat.device)
    values = flat[indices].cpu()
    wanted = torch.as_tensor(pair.stored.sample).to(values.dtype)
    step = torch.finfo(values.dtype).eps * wanted.double().abs()
    same = ((values.double() - wanted.double()).abs() <= step) | (values == wanted) | (values.isnan() & wanted.isnan())
    return float((~same).double().mean()) if len(same) else 0.0


def _instead(pair: Pair, stored: dict[str, TensorStatistics], kind: str) -> str:
    digest = digest_of(pair.memory)
    other = next((name for name, each in stored.items() if each.digest == digest), None)
    if other:
        return f"it holds {other}"
    return "all values differ, as after initialising again" if kind == "wholly" else "a part differs"
