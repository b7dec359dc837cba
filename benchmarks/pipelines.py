"""What the pipelines suite costs per task: `python -m benchmarks.pipelines [TASK ...]` prints CPU seconds.

Of each built-in the building (into an empty cache), and a quick trial by the pipelines suite in a process of its own,
loading of the libraries included; the last line is one process that tries all of them.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from fixtures.session.options import SUITES
from selftests.documents.tasks import subjects

BUILD = "from fixtures import builtin; import sys; builtin.directory(sys.argv[1])"


def main() -> None:
    asked = sys.argv[1:]
    names = sorted({name for task, name in subjects().items() if not asked or task in asked})
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {
            "SEATRIAL_CACHE": cache,
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",
            "CI": "true",
        }
        print(f"{'subject':38} {'build':>7} {'trial':>7}  CPU seconds")
        built = [_told(name, cache, environment) for name in names]
        print(f"{'all, in one process':38} {sum(built):7.1f} {_trial(names, cache, environment):7.1f}")


def _told(name: str, cache: str, environment: dict[str, str]) -> float:
    build = _seconds([sys.executable, "-c", BUILD, name], environment)
    print(f"{name:38} {build:7.1f} {_trial([name], cache, environment):7.1f}", flush=True)
    return build


def _trial(names: list[str], cache: str, environment: dict[str, str]) -> float:
    models = [f"--model=builtin:{name}" for name in names]
    report = f"--report-dir={Path(cache) / 'report'}"
    return _seconds([sys.executable, "-m", "pytest", "-q", str(SUITES / "pipelines"), report, *models], environment)


def _seconds(command: list[str], environment: dict[str, str]) -> float:
    """User and system time of a process and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


if __name__ == "__main__":
    main()
