"""A quantized model saved and loaded again, before and after it has computed something: made once for each variant.

The variant's own model is left alone: on some processors saving a model that has computed changes the model itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fixtures.models import loading
from fixtures.models.loading import Loaded
from fixtures.subjects.subject import Subject
from fixtures.subjects.variant import Variant
from suites.findings import Unsupported
from suites.quantization.running import answer, furthest, random_ids
from suites.running.copies import scratch
from suites.running.generate import LOUD, of_the_machine


@dataclass
class Trip:
    """What was found on the way."""

    devices: dict[str, str] = field(default_factory=dict)
    """Where `device_map="auto"` put the parts."""
    answer: Any = None
    """What the copy gives out that was loaded with it."""
    refused: str = ""
    """How the library refuses to save the model."""
    unloadable: str = ""
    """How it refuses to load what it has saved."""
    refused_again: str = ""
    """How it refuses to save what was loaded from the saved checkpoint."""
    refused_after_use: str = ""
    """How it refuses to save the model once it has computed something."""
    lost: list[str] = field(default_factory=list)
    """Tensors of the state that are missing or have other bytes after saving and loading."""
    tensors: int = 0
    reloaded: float = 0.0
    """The largest difference of an output after saving and loading."""
    saved_after_use: float = 0.0
    """Likewise, where the model had computed something before it was saved."""
    kept_running: float = 0.0
    """Likewise, of that model itself after it was saved."""
    largest: float = 0.0
    """Magnitude of the outputs."""


def trip(subject: Subject, variant: Variant, loaded: Loaded, profile: str, memory_left: int) -> Trip:
    """Made once for each variant; a failure is raised again."""
    if "trip" not in loaded.shared:
        try:
            with scratch(loaded.model, profile, memory_left) as folder:
                loaded.shared["trip"] = _made(subject, variant, folder)
        except Exception as failure:
            loaded.shared["trip"] = failure.with_traceback(None)
    if isinstance(loaded.shared["trip"], Exception):
        raise loaded.shared["trip"]
    found: Trip = loaded.shared["trip"]
    return found


def saved(subject: Subject, variant: Variant, loaded: Loaded, profile: str, memory_left: int) -> Trip:
    """The trip of a model that can be saved at all."""
    found = trip(subject, variant, loaded, profile, memory_left)
    if found.refused:
        raise Unsupported(f"the model cannot be saved: {found.refused}")
    return found


def _made(subject: Subject, variant: Variant, folder: Path) -> Trip:
    """Three copies, one after the other: quantized anew, loaded from what was saved at once, and after use."""
    found = Trip()
    with _loaded(subject, variant) as fresh:
        found.devices = {part: str(device) for part, device in (getattr(fresh, "hf_device_map", None) or {}).items()}
        before, inputs = digests(fresh), random_ids(fresh, 1)
        found.refused = _refusal(fresh, folder / "fresh")
        found.answer = answer(fresh, inputs)
        found.largest = float(found.answer.abs().max())
        if found.refused:
            return found
        found.refused_after_use = _refusal(fresh, folder / "used")
        found.kept_running = furthest(found.answer, answer(fresh, inputs))
    try:
        _compare(found, type(fresh), folder, subject, variant, before, inputs)
    except Unsupported as refusal:
        found.unloadable = refusal.summary
    except LOUD as refusal:
        if of_the_machine(refusal):
            raise
        found.unloadable = _told(refusal)
    return found


def _compare(
    found: Trip,
    kind: Any,
    folder: Path,
    subject: Subject,
    variant: Variant,
    before: dict[str, str],
    inputs: dict[str, Any],
) -> None:
    with _again(kind, folder / "fresh", subject, variant) as again:
        after = digests(again)
        found.tensors = len(before)
        found.lost = sorted(name for name in {**before, **after} if before.get(name) != after.get(name))
        found.refused_again = _refusal(again, folder / "again")
        found.reloaded = furthest(found.answer, answer(again, inputs))
    if found.refused_after_use:
        return
    with _again(kind, folder / "used", subject, variant) as used:
        found.saved_after_use = furthest(found.answer, answer(used, inputs))


def _refusal(model: Any, folder: Path) -> str:
    """Saves the model; what the library raises, in a line."""
    try:
        model.save_pretrained(folder)
    except LOUD as refusal:
        if of_the_machine(refusal):
            raise
        return _told(refusal)
    return ""


def _told(refusal: Exception) -> str:
    first = (str(refusal).strip().splitlines() or [""])[0][:200]
    return f"{type(refusal).__name__}: {first}".removesuffix(": ")


@contextmanager
def _loaded(subject: Subject, variant: Variant) -> Iterator[Any]:
    model = loading.load_model(subject, variant, device_map="auto").model
    try:
        yield model
    finally:
        loading.drop_storage(model)


@contextmanager
def _again(kind: Any, folder: Path, subject: Subject, variant: Variant) -> Iterator[Any]:
    where, trust = {"": variant.device}, subject.trust.remote_code
    found = kind.from_pretrained(folder, dtype="auto", device_map=where, trust_remote_code=trust).eval()
    try:
        yield found
    finally:
        loading.drop_storage(found)


def digests(model: Any) -> dict[str, str]:
    """Returns a digest of every tensor of the state, including its dtype and shape."""
    return {name: _digest(tensor) for name, tensor in model.state_dict().items()}


def _digest(tensor: Any) -> str:
    """A tensor subclass is made of the tensors that it names."""
    import torch

    digest = hashlib.blake2b(f"{tensor.dtype} {tuple(tensor.shape)} ".encode(), digest_size=16)
    if hasattr(tensor, "__tensor_flatten__"):
        for part in tensor.__tensor_flatten__()[0]:
            digest.update(_digest(getattr(tensor, part)).encode())
    elif tensor.numel():
        digest.update(tensor.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
