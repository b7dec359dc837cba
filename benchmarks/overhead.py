"""Our overhead per check: the same empty tests with seatrial's fixtures, records and reporting, and as plain pytest.

Both runs are processes of their own, in turn; prints the median difference per check. Target: under 5 ms.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHECKS = 2000
ROUNDS = 3
SUITE = Path(__file__).resolve().parent.parent / "suites" / "integrity"
"""Only a test in a suite's folder is a check."""
OURS = '''"""Empty checks."""
import pytest

@pytest.mark.parametrize("number", range({count}))
def test_nothing(subject, number, record):
    """Nothing is promised."""
'''
PLAIN = OURS.replace("subject, number, record", "number")


def seconds(test: Path, *options: str) -> float:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(test), *options]
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def per_check(folder: Path) -> float:
    """Milliseconds per check: the slope between one and many checks, ours less pytest's own."""
    options = ("--model=builtin:tiny-text-generation", f"--report-dir={folder / 'report'}")
    return (slope(OURS, SUITE, *options) - slope(PLAIN, folder)) * 1000


def slope(text: str, folder: Path, *options: str) -> float:
    """Seconds that one more test costs."""
    times = []
    for count in (1, CHECKS):
        test = folder / f"test_overhead_{count}.py"
        test.write_text(text.format(count=count), encoding="utf-8")
        try:
            times.append(seconds(test, *options))
        finally:
            test.unlink()
    return (times[1] - times[0]) / (CHECKS - 1)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        rounds = sorted(per_check(Path(folder)) for _ in range(ROUNDS))
    print(
        f"overhead per check: {statistics.median(rounds):.2f} ms (from {rounds[0]:.2f} to {rounds[-1]:.2f}, "
        f"{ROUNDS} rounds of {CHECKS} checks)"
    )


if __name__ == "__main__":
    main()
