"""Bad input gets one clear sentence that names the file and the fix, and a non-zero exit status."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from selftests.gallery.edits.files import edit_json, set_keys
from selftests.gallery.harness import copy
from selftests.gallery.registry import CHAT
from selftests.processes.pytest_run import QUIET, ROOT, Finished, environment, run_pytest


@dataclass(frozen=True)
class Broken:
    """A model directory that cannot be loaded, and the expected finding."""

    name: str
    file: str
    """A text in the summary."""
    words: str
    """A regular expression for the summary."""
    damage: Callable[[Path], None]
    verdict: str = "reject"
    """`inconclusive` where nothing is known to be wrong with the files."""


def _empty(directory: Path) -> None:
    for path in directory.iterdir():
        path.unlink()


def _only_readme(directory: Path) -> None:
    _empty(directory)
    (directory / "README.md").write_text("# A model\n", encoding="utf-8")


def _truncate(name: str) -> Callable[[Path], None]:
    def cut(directory: Path) -> None:
        data = (directory / name).read_bytes()
        (directory / name).write_bytes(data[: len(data) // 2])

    return cut


def _corrupt_header(directory: Path) -> None:
    path = directory / "model.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[:8] + b"\xff" * 64 + data[72:])


def _missing_shard(directory: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(directory / "model.safetensors")
    names = sorted(tensors)
    shards = {"model-00001-of-00002.safetensors": names[::2], "model-00002-of-00002.safetensors": names[1::2]}
    for file, members in shards.items():
        save_file({name: tensors[name].clone() for name in members}, directory / file, metadata={"format": "pt"})
    weight_map = {name: file for file, members in shards.items() for name in members}
    (directory / "model.safetensors.index.json").write_text("{}", encoding="utf-8")
    edit_json(directory / "model.safetensors.index.json", lambda data: data.update(metadata={}, weight_map=weight_map))
    (directory / "model.safetensors").unlink()
    (directory / "model-00002-of-00002.safetensors").unlink()


def _pickle_only(directory: Path) -> None:
    import torch
    from safetensors.torch import load_file

    torch.save(load_file(directory / "model.safetensors"), directory / "pytorch_model.bin")
    (directory / "model.safetensors").unlink()


def _remote_code(directory: Path) -> None:
    auto_map = {"AutoConfig": "configuration_mine.MineConfig", "AutoModelForCausalLM": "modeling_mine.MineForCausalLM"}
    set_keys(directory / "config.json", model_type="mine", architectures=["MineForCausalLM"], auto_map=auto_map)
    marker = "import pathlib; pathlib.Path(__file__).with_name('executed').touch()\n"
    for module in ("configuration_mine.py", "modeling_mine.py"):
        (directory / module).write_text(marker, encoding="utf-8")


BROKEN = [
    Broken("empty", "empty", "is empty", _empty),
    Broken("only-readme", "only-readme", "contains only README.md", _only_readme),
    Broken("config-not-json", "config.json", "not valid JSON", _truncate("config.json")),
    Broken(
        "no-model-type",
        "config.json",
        "no model_type",
        lambda directory: edit_json(directory / "config.json", lambda data: data.pop("model_type")),
    ),
    Broken(
        "unknown-model-type",
        "config.json",
        "model_type 'lama'",
        lambda directory: set_keys(directory / "config.json", model_type="lama", architectures=["LamaForCausalLM"]),
        "inconclusive",
    ),
    Broken(
        "unknown-architecture",
        "config.json",
        "LamaForCausalLM",
        lambda directory: set_keys(directory / "config.json", architectures=["LamaForCausalLM"]),
        "inconclusive",
    ),
    Broken("truncated-weights", "model.safetensors", "truncated or corrupt", _truncate("model.safetensors")),
    Broken("corrupt-weights", "model.safetensors", "truncated or corrupt", _corrupt_header),
    Broken("missing-shard", "model-00002-of-00002.safetensors", "is missing", _missing_shard),
    Broken(
        "no-weights", "model.safetensors", "no weights", lambda directory: (directory / "model.safetensors").unlink()
    ),
    Broken("pickle-only", "pytorch_model.bin", "pickle", _pickle_only),
    Broken("remote-code", "config.json", "auto_map", _remote_code, "inconclusive"),
    Broken(
        "odd-model-type",
        "config.json",
        "has a list as model_type",
        lambda directory: set_keys(directory / "config.json", model_type=["llama"]),
    ),
    Broken(
        "odd-architectures",
        "config.json",
        "has a str as architectures",
        lambda directory: set_keys(directory / "config.json", architectures="LlamaForCausalLM"),
    ),
    Broken(
        "odd-eos",
        "generation_config.json",
        "'abc' as eos_token_id",
        lambda directory: set_keys(directory / "generation_config.json", eos_token_id="abc"),
    ),
    Broken(
        "type-unknown-class-known",
        "config.json",
        "model_type 'zzz'",
        lambda directory: set_keys(directory / "config.json", model_type="zzz"),
    ),
    Broken("truncated-tokenizer", "tokenizer.json", "truncated or not JSON", _truncate("tokenizer.json")),
]


@pytest.fixture(scope="module")
def broken_run(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """One run over all broken directories, a Hub id, and a healthy subject in their midst."""
    folder = tmp_path_factory.mktemp("broken")
    for each in BROKEN:
        each.damage(copy(CHAT, folder / each.name))
    models = [f"--model={folder / each.name}" for each in BROKEN]
    healthy = f"--model={copy(CHAT, folder / 'healthy')}"
    return run_pytest(*QUIET, *models[:7], healthy, *models[7:], "--model=nobody/nothing", report=folder / "report")


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: case.name)
def test_a_subject_that_cannot_be_loaded_names_file_and_fix(case: Broken, broken_run: Finished) -> None:
    entry = broken_run.subject(case.name)
    findings = [finding for finding in entry["findings"] if finding["check"] == "integrity/loads"]
    assert entry["verdict"] == case.verdict
    if case.verdict == "inconclusive":
        assert not findings
        assert re.search(f"(?s){re.escape(case.file)}.*{case.words}", " ".join(entry["reasons"])), entry["reasons"]
        return
    assert len(findings) == 1, findings
    assert case.file in findings[0]["summary"]
    assert re.search(case.words, findings[0]["summary"]), findings[0]["summary"]
    assert findings[0]["fix"]
    assert entry["counts"]["error"] == 0, entry["reasons"]


def test_a_hub_id_while_offline_is_inconclusive(broken_run: Finished) -> None:
    entry = broken_run.subject("nobody/nothing")
    assert entry["verdict"] == "inconclusive"
    assert "not in the local Hub cache" in entry["reasons"][0]


def test_the_run_goes_on_and_fails_without_a_traceback(broken_run: Finished) -> None:
    assert broken_run.code == 1
    assert "Traceback" not in broken_run.output
    assert broken_run.subject("healthy")["verdict"] in ("adopt", "adopt-with-conditions")
    assert (broken_run.report / "report.html").is_file()


def test_code_of_the_repository_is_not_run(broken_run: Finished) -> None:
    source = Path(broken_run.subject("remote-code")["subject"]["source"])
    assert (source / "modeling_mine.py").is_file()
    assert not (source / "executed").exists()


def test_parts_that_load_are_still_tried(broken_run: Finished) -> None:
    """Nothing that can be known is lost: the tokenizer of a model without weights is tested."""
    assert broken_run.subject("truncated-weights")["counts"]["pass"] > 5


def test_a_selection_that_tries_nothing_is_not_green(tmp_path: Path) -> None:
    done = run_pytest(f"--model={copy(CHAT, tmp_path / 'subject')}", "-k", "no_such_check", report=tmp_path / "report")
    assert done.code != 0
    assert done.verdict["subjects"][0]["verdict"] == "inconclusive"


def test_standard_input_is_closed(tmp_path: Path) -> None:
    """A loader that asks a question meets the end of input, and does not wait for the open pipe."""
    subject = copy(CHAT, tmp_path / "subject")
    _remote_code(subject)
    command = [sys.executable, "-m", "pytest", "-s", f"--model={subject}", f"--report-dir={tmp_path / 'report'}"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, cwd=ROOT, env=environment(), stdin=subprocess.PIPE, stdout=quiet) as run:
        assert run.wait(timeout=120) == 1
