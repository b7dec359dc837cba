"""Measurements of the time, memory and energy of a device."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from suites.findings import Limit

COPIED = 128_000_000
"""Bytes of the buffer that bandwidth is measured with: larger than the caches of most machines."""
COPIES = 5


def now(device: Any) -> float:
    """Returns the time in seconds after all work of the device is done."""
    import torch

    if device.type != "cpu":
        torch.accelerator.synchronize(device)
    return time.perf_counter()


def refuse_neighbours(config: Any) -> None:
    """Raises Limit if other worker processes compute at the same time."""
    if hasattr(config, "workerinput") or getattr(config.option, "tx", None):
        raise Limit("timings next to other worker processes are meaningless: run them without -n (pytest-xdist)")


@cache
def bandwidth(kind: str) -> float:
    """Returns the bytes per second of the fastest of a few copies, counting read and written bytes."""
    import torch

    device = torch.device(kind)
    source = torch.ones(COPIED // 4, dtype=torch.float32, device=device)
    target = torch.empty_like(source)
    target.copy_(source)
    taken = []
    for _ in range(COPIES):
        started = now(device)
        target.copy_(source)
        taken.append(now(device) - started)
    return 2 * COPIED / min(taken)


class Peak:
    """Bytes by which the memory in use rose while a block ran; None if it cannot be measured."""

    def __init__(self) -> None:
        self.device: int | None = None
        """Allocated by PyTorch on an accelerator."""
        self.host: int | None = None
        """Held by the process, if the model is in the host's memory."""


@contextmanager
def peak(device: Any) -> Iterator[Peak]:
    import torch

    found = Peak()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = int(torch.cuda.memory_allocated(device))
        yield found
        found.device = int(torch.cuda.max_memory_allocated(device)) - before
    elif device.type == "cpu" and _reset_host_peak():
        before = _host("VmRSS")
        yield found
        found.host = max(0, _host("VmHWM") - before)
    else:
        yield found


def _reset_host_peak() -> bool:
    """Resets the peak of memory in use; False if the kernel is not Linux or refuses."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def _host(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def joules(device: Any) -> float | None:
    """Returns the energy that an NVIDIA device has used since it started; None without NVML or on other devices."""
    if device.type != "cuda":
        return None
    try:
        import pynvml
        import torch

        pynvml.nvmlInit()
        name = f"GPU-{torch.cuda.get_device_properties(device).uuid}"
        return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(pynvml.nvmlDeviceGetHandleByUUID(name))) / 1000
    except Exception:  # no package, no driver, or a card without a counter
        return None
