"""A whole trial as a process: wall and CPU seconds, peak memory, and our own overhead per check.

    python -m benchmarks.trial builtin:tiny-text-generation builtin:smollm2
    python -m benchmarks.trial DIR -- suites/tokenizers --profile standard

What follows `--` goes to pytest.
The overhead is what a check costs besides its own work: the time between the first and the last record, less the
durations of the checks, divided by their number. Peak memory is that of the pytest process.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from reports.directory import report_directory


def main() -> None:
    words = sys.argv[1:]
    end = words.index("--") if "--" in words else len(words)
    for source in words[:end] or ["builtin:tiny-text-generation", "builtin:smollm2"]:
        with tempfile.TemporaryDirectory() as folder:
            measure(source, Path(folder), words[end + 1 :])


def measure(source: str, folder: Path, options: list[str]) -> None:
    """Prints one line for one subject; `ru_maxrss` counts the largest child so far, so go from small to large."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--report-dir={folder}", *options]
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([*command, f"--model={source}"], check=False, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    trial = report_directory.load(folder)
    weights = max(subject.facts["weight_bytes"] for subject in trial.subjects)
    limit = 2 * weights + 1e9
    checks = sum(check.duration for check in trial.checks)
    print(
        f"{source}: {len(trial.checks)} checks, wall {wall:.1f} s, cpu {cpu:.1f} s, in checks {checks:.1f} s, "
        f"peak {after.ru_maxrss * 1024 / 1e6:.0f} MB (limit 2 x {weights / 1e6:.0f} + 1000 = {limit / 1e6:.0f} MB)"
    )


if __name__ == "__main__":
    main()
