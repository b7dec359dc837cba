"""A quantized model saved and loaded again, before and after its first forward pass; done once for each variant.

Separate copies are saved: on some processors, saving a model after a forward pass changes that model.
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
from suites.findings import Blocked, Finding
from suites.quantization.outputs import largest_difference, outputs, random_ids
from suites.running.copies import scratch
from suites.running.generate import REFUSALS, machine_failed

KEY = "round trip"


@dataclass
class RoundTrip:
    """Errors and differences of each step; an empty error or a difference of 0 means that it worked."""

    devices: dict[str, str] = field(default_factory=dict)
    """Devices that `device_map="auto"` chose for each part."""
    output: Any = None
    """Output of a fresh copy, loaded with that device map."""
    save_error: str = ""
    """Error of saving the fresh copy."""
    load_error: str = ""
    """Error of loading the saved checkpoint."""
    second_save_error: str = ""
    """Error of saving the model that was loaded from the saved checkpoint."""
    used_save_error: str = ""
    """Error of saving the fresh copy after a forward pass."""
    changed_tensors: list[str] = field(default_factory=list)
    """Tensors of the state that are missing or have other bytes after saving and loading."""
    tensor_count: int = 0
    reload_difference: float = 0.0
    """Largest difference of an output after saving and loading."""
    used_save_difference: float = 0.0
    """Likewise, if the model was saved after a forward pass."""
    running_difference: float = 0.0
    """Likewise, of the model in memory after that saving."""
    largest_output: float = 0.0
    """Largest magnitude of the outputs."""


def round_trip(subject: Subject, variant: Variant, loaded: Loaded, profile: str, memory_left: int) -> RoundTrip:
    """Returns the round trip of the variant, done once; a failure is raised again for each check."""
    if KEY not in loaded.shared:
        try:
            with scratch(loaded.model, profile, memory_left) as folder:
                loaded.shared[KEY] = _round_trip(subject, variant, folder)
        except Exception as failure:
            loaded.shared[KEY] = failure.with_traceback(None)
    if isinstance(loaded.shared[KEY], Exception):
        raise loaded.shared[KEY]
    found: RoundTrip = loaded.shared[KEY]
    return found


def saved_round_trip(subject: Subject, variant: Variant, loaded: Loaded, profile: str, memory_left: int) -> RoundTrip:
    """Returns the round trip; raises Blocked if the model cannot be saved at all."""
    found = round_trip(subject, variant, loaded, profile, memory_left)
    if found.save_error:
        raise Blocked("quantization/quantized-checkpoint-saves-again", f"the model cannot be saved: {found.save_error}")
    return found


def _round_trip(subject: Subject, variant: Variant, folder: Path) -> RoundTrip:
    """Compares three copies: freshly quantized, reloaded after saving, and reloaded after saving a used model."""
    found = RoundTrip()
    with _fresh(subject, variant) as fresh:
        found.devices = {part: str(device) for part, device in (getattr(fresh, "hf_device_map", None) or {}).items()}
        before, inputs = digests(fresh), random_ids(fresh, 1)
        found.save_error = _save_error(fresh, folder / "fresh")
        found.output = outputs(fresh, inputs)
        found.largest_output = float(found.output.abs().max())
        if found.save_error:
            return found
        found.used_save_error = _save_error(fresh, folder / "used")
        found.running_difference = largest_difference(found.output, outputs(fresh, inputs))
    try:
        _compare(found, type(fresh), folder, subject, variant, before, inputs)
    except Finding as refusal:
        found.load_error = refusal.summary
    except REFUSALS as refusal:
        if machine_failed(refusal):
            raise
        found.load_error = _first_line(refusal)
    return found


def _compare(
    found: RoundTrip,
    kind: Any,
    folder: Path,
    subject: Subject,
    variant: Variant,
    before: dict[str, str],
    inputs: dict[str, Any],
) -> None:
    with _reloaded(kind, folder / "fresh", subject, variant) as reloaded:
        after = digests(reloaded)
        found.tensor_count = len(before)
        found.changed_tensors = sorted(name for name in {**before, **after} if before.get(name) != after.get(name))
        found.second_save_error = _save_error(reloaded, folder / "again")
        found.reload_difference = largest_difference(found.output, outputs(reloaded, inputs))
    if found.used_save_error:
        return
    with _reloaded(kind, folder / "used", subject, variant) as used:
        found.used_save_difference = largest_difference(found.output, outputs(used, inputs))


def _save_error(model: Any, folder: Path) -> str:
    """Saves the model; returns the library's error in one line."""
    try:
        model.save_pretrained(folder)
    except REFUSALS as refusal:
        if machine_failed(refusal):
            raise
        return _first_line(refusal)
    return ""


def _first_line(refusal: Exception) -> str:
    first = (str(refusal).strip().splitlines() or [""])[0][:200]
    return f"{type(refusal).__name__}: {first}".removesuffix(": ")


@contextmanager
def _fresh(subject: Subject, variant: Variant) -> Iterator[Any]:
    model = loading.load_model(subject, variant, device_map="auto").model
    try:
        yield model
    finally:
        loading.drop_storage(model)


@contextmanager
def _reloaded(kind: Any, folder: Path, subject: Subject, variant: Variant) -> Iterator[Any]:
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
