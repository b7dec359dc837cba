"""Many chat templates in one run: milliseconds per template for all checks of text, and whether memory stays flat.

    python -m benchmarks.templates DIRECTORY [--count 1000] [--suite chat_templates] [--workers 2]

Each `.jinja` file of DIRECTORY is copied, with a comment that makes it another template, until there are COUNT of them.
The start (imports, the pool of generated conversations) is taken off by a run with one copy of each file. What the
checks took is by their own records, set-up included; the rest of a run is pytest's own and the report's. Memory is the
resident set of the pytest process (of one worker), sampled when a template is done; growth is that of the second half
of the run, by a straight line through the samples. Targets: 40 ms per template, no growth.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

SUITES = Path(__file__).resolve().parent.parent / "suites"
SAMPLER = '''"""Writes the resident set of this process, in kilobytes, when a template is done."""
import os
from pathlib import Path

import pytest

PAGE = os.sysconf("SC_PAGE_SIZE") // 1024
LAST = [None]

@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item):
    subject = getattr(item, "callspec", None) and item.callspec.params.get("subject")
    if subject is not LAST[0]:
        LAST[0] = subject
        with open(os.environ["MEMORY_LOG"], "a") as log:
            log.write(f"{os.getpid()} {int(Path('/proc/self/statm').read_text().split()[1]) * PAGE}\\n")
'''


@dataclass(frozen=True)
class Run:
    """What one pytest process took."""

    seconds: float
    cpu: float
    memory: list[int]
    """Kilobytes, template by template."""
    checks: list[float]
    """Seconds that all checks of a template took by their records, set-up and tear-down included."""


def copies(files: list[Path], count: int, folder: Path) -> list[Path]:
    """`count` different templates, made from the files in turn."""
    made = []
    for number in range(count):
        file = files[number % len(files)]
        made.append(folder / f"{number:04d}-{file.name}")
        made[-1].write_text(file.read_text(encoding="utf-8") + "{#- " + str(number) + " -#}", encoding="utf-8")
    return made


def trial(templates: list[Path], folder: Path, suite: str, workers: int) -> Run:
    """One run over these templates, as a manifest names them."""
    (folder / "sampler.py").write_text(SAMPLER, encoding="utf-8")
    manifest, log = folder / "models.toml", folder / "memory.log"
    manifest.write_text("".join(f'[[subject]]\nsource = "{path}"\n' for path in templates), encoding="utf-8")
    log.write_text("", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "sampler", str(SUITES / suite)]
    command += ["-n", str(workers)] if workers > 1 else []
    environment = {"PYTHONPATH": str(folder), "MEMORY_LOG": str(log)}
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([*command, f"--models={manifest}", f"--report-dir={folder / 'report'}"], check=False,
                   stdout=subprocess.DEVNULL, env=os.environ | environment)  # fmt: skip
    wall, after = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    samples = [line.split() for line in log.read_text(encoding="utf-8").splitlines()]
    memory = [int(size) for process, size in samples if process == samples[0][0]]
    return Run(wall, cpu, memory, durations(folder / "report" / "records.jsonl"))


def durations(records: Path) -> list[float]:
    """What the checks of each subject took together."""
    took: Counter[str] = Counter()
    for line in records.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if record["kind"] == "check":
            took[record["subject"]] += record["duration"]
    return list(took.values())


def slope(values: list[int]) -> float:
    """The least-squares slope of values at 0, 1, 2, ..."""
    middle, mean = (len(values) - 1) / 2, sum(values) / len(values)
    spread = sum((place - middle) ** 2 for place in range(len(values)))
    return sum((place - middle) * (value - mean) for place, value in enumerate(values)) / spread


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--suite", default="chat_templates", help="the folder of checks (default: chat_templates)")
    parser.add_argument("--workers", type=int, default=1, help="processes of pytest-xdist (default: none)")
    asked = parser.parse_args()
    files = sorted(asked.directory.glob("*.jinja"))
    if not files or asked.count <= len(files):
        parser.error(f"{asked.directory}: {len(files)} templates; --count must be more than that, and that more than 0")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        few, many = (
            trial(copies(files, count, folder), folder, asked.suite, asked.workers)
            for count in (len(files), asked.count)
        )
    extra = asked.count - len(files)
    mean, median = (function(many.checks) * 1000 for function in (statistics.fmean, statistics.median))
    half = many.memory[len(many.memory) // 2 :]
    print(
        f"{asked.count} templates from {len(files)} files, {asked.suite}: "
        f"{(many.seconds - few.seconds) / extra * 1000:.1f} ms wall and "
        f"{(many.cpu - few.cpu) / extra * 1000:.1f} ms CPU per template (a run of {len(files)}: {few.seconds:.1f} s); "
        f"the checks of a template {mean:.1f} ms, {median:.1f} ms in the middle; "
        f"memory {many.memory[0] / 1000:.0f} MB at first, {half[0] / 1000:.0f} MB at half and "
        f"{half[-1] / 1000:.0f} MB at last, growing by {slope(half):.1f} KB per template"
    )


if __name__ == "__main__":
    main()
