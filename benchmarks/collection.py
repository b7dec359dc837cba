"""`pytest --collect-only -q` on the default fleet against `python -c "import pytest, hypothesis"`.

Interleaved pairs of processes; prints the median of the ratios pair by pair. Target: at most 3, with and without
bytecode.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

PAIRS = 9
COLLECT = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider"]
IMPORT = [sys.executable, "-c", "import pytest, hypothesis"]


def seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    seconds(COLLECT), seconds(IMPORT)  # warm the file cache
    pairs = [(seconds(COLLECT), seconds(IMPORT)) for _ in range(PAIRS)]
    ratios = sorted(collect / imports for collect, imports in pairs)
    print(
        f"collect-only {statistics.median(c for c, _ in pairs):.2f} s, "
        f"import pytest, hypothesis {statistics.median(i for _, i in pairs):.2f} s, "
        f"ratio {statistics.median(ratios):.2f} (from {ratios[0]:.2f} to {ratios[-1]:.2f}, {PAIRS} pairs)"
    )


if __name__ == "__main__":
    main()
