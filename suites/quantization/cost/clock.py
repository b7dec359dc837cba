"""Time, memory and energy of a device, as it really spends them."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from suites.findings import Unsupported

COPIED = 128_000_000
"""Bytes of the buffer that bandwidth is measured with: beyond what caches hold on most machines."""
COPIES = 5


def now(device: Any) -> float:
    """Seconds, when everything that was asked of the device is done."""
    import torch

    if device.type != "cpu":
        torch.accelerator.synchronize(device)
    return time.perf_counter()


def refuse_neighbours(config: Any) -> None:
    """Raises Unsupported where other worker processes compute at the same time."""
    if hasattr(config, "workerinput") or getattr(config.option, "tx", None):
        raise Unsupported("timings beside other worker processes mean nothing: run them without -n (pytest-xdist)")


@cache
def bandwidth(kind: str) -> float:
    """Bytes a second that the device's memory moves: the fastest of a few copies, read and written bytes counted."""
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
    """Bytes by which the use of memory rose while a block ran; None where nobody counts them."""

    def __init__(self) -> None:
        self.device: int | None = None
        """What PyTorch allocated on an accelerator."""
        self.host: int | None = None
        """What the process held, where its model lies in the host's memory."""


@contextmanager
def peak(device: Any) -> Iterator[Peak]:
    import torch

    found = Peak()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = int(torch.cuda.memory_allocated(device))
        yield found
        found.device = int(torch.cuda.max_memory_allocated(device)) - before
    elif device.type == "cpu" and _forget_host_peak():
        before = _host("VmRSS")
        yield found
        found.host = max(0, _host("VmHWM") - before)
    else:
        yield found


def _forget_host_peak() -> bool:
    """Whether the kernel (Linux) forgot the highest use of memory so far."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def _host(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


def joules(device: Any) -> float | None:
    """Energy that the device has used since it started, by NVML; None without NVML or for another kind of device."""
    if device.type != "cuda":
        return None
    try:
        import pynvml
        import torch

        pynvml.nvmlInit()
        name = f"GPU-{torch.cuda.get_device_properties(device).uuid}"
        return float(pynvml.nvmlDeviceGetTotalEnergyConsumption(pynvml.nvmlDeviceGetHandleByUUID(name))) / 1000
    except Exception:  # no package, no driver, a card that does not count: whatever it is, there is no number
        return None
