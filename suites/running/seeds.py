"""Reproducible random numbers that leave the process's own random state unchanged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SEED = 20240


@contextmanager
def seeded(model: Any, seed: int = SEED) -> Iterator[None]:
    """Seeds torch within the context, on the CPU and on the model's device."""
    import torch

    devices = [model.device] if model.device.type not in ("cpu", "meta", "mps") else []
    kind = model.device.type if devices else "cuda"
    with torch.random.fork_rng(devices=devices, device_type=kind):
        torch.manual_seed(seed)
        yield
