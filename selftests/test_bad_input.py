"""Bad input gets one clear sentence that names the file and the mend, and a non-zero exit status."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from selftests.gallery.edits import edit_json, set_keys
from selftests.gallery.harness import copy
from selftests.gallery.registry import CHAT
from selftests.running import QUIET, ROOT, Finished, environment, run_pytest


@dataclass(frozen=True)
class Broken:
    """A model directory that cannot be loaded, and what must be said about it."""

    name: str
    file: str
    """What the summary names."""
    words: str
    """What it says, as a regular expression."""
    damage: Callable[[Path], None]


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
    for file, kept in shards.items():
        save_file({name: tensors[name].clone() for name in kept}, directory / file, metadata={"format": "pt"})
    weight_map = {name: file for file, kept in shards.items() for name in kept}
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
    Broken("missing", "missing", "is not a directory", lambda directory: shutil.rmtree(directory)),
    Broken("empty", "empty", "is empty", _empty),
    Broken("only-readme", "only-readme", "holds only README.md", _only_readme),
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
    ),
    Broken(
        "unknown-architecture",
        "config.json",
        "LamaForCausalLM",
        lambda directory: set_keys(directory / "config.json", architectures=["LamaForCausalLM"]),
    ),
    Broken("truncated-weights", "model.safetensors", "truncated or corrupt", _truncate("model.safetensors")),
    Broken("corrupt-weights", "model.safetensors", "truncated or corrupt", _corrupt_header),
    Broken("missing-shard", "model-00002-of-00002.safetensors", "is missing", _missing_shard),
    Broken(
        "no-weights", "model.safetensors", "no weights", lambda directory: (directory / "model.safetensors").unlink()
    ),
    Broken("pickle-only", "pytorch_model.bin", "pickle", _pickle_only),
    Broken("remote-code", "config.json", "auto_map", _remote_code),
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
def test_a_subject_that_cannot_be_loaded_is_rejected_with_file_and_mend(case: Broken, broken_run: Finished) -> None:
    entry = broken_run.subject(case.name)
    findings = [finding for finding in entry["findings"] if finding["check"] == "integrity/loads"]
    assert entry["verdict"] == "reject"
    assert len(findings) == 1, findings
    assert case.file in findings[0]["summary"]
    assert re.search(case.words, findings[0]["summary"]), findings[0]["summary"]
    assert findings[0]["remedy"]
    assert entry["counts"]["error"] == 0, entry["reasons"]


def test_a_hub_id_while_offline_is_rejected(broken_run: Finished) -> None:
    entry = broken_run.subject("nobody/nothing")
    assert entry["verdict"] == "reject"
    assert "not in the local Hub cache" in entry["findings"][0]["summary"]


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


def usage_error(tmp_path: Path, *arguments: str | Path) -> str:
    done = run_pytest(*arguments, report=tmp_path / "report")
    assert done.code == pytest.ExitCode.USAGE_ERROR, done.output
    assert "Traceback" not in done.output
    return done.output


def test_an_unknown_builtin_names_the_known_ones(tmp_path: Path) -> None:
    output = usage_error(tmp_path, "--model", "builtin:smollm3")
    assert "there is no such built-in" in output
    assert "builtin:smollm2" in output


def test_a_misspelled_manifest_key_is_named_with_the_allowed_ones(tmp_path: Path) -> None:
    manifest = tmp_path / "models.toml"
    manifest.write_text('[[subject]]\nsource = "builtin:smollm2"\nacept = {}\n', encoding="utf-8")
    output = usage_error(tmp_path, "--models", manifest)
    assert "unknown key 'subject.0.acept'" in output
    assert "Did you mean 'accept'?" in output


def test_a_misspelled_policy_key_is_named(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("requird = []\n", encoding="utf-8")
    assert "unknown key 'requird'" in usage_error(tmp_path, "--model=builtin:smollm2", "--policy", policy)


def test_a_manifest_that_is_not_toml_is_named(tmp_path: Path) -> None:
    manifest = tmp_path / "models.toml"
    manifest.write_text("[[subject", encoding="utf-8")
    assert f"{manifest}: not valid TOML" in usage_error(tmp_path, "--models", manifest)


def test_the_same_subject_twice_is_refused(tmp_path: Path) -> None:
    output = usage_error(tmp_path, "--model=builtin:smollm2", "--model=builtin:smollm2")
    assert "given twice" in output


def test_two_subjects_with_the_same_name_are_refused(tmp_path: Path) -> None:
    manifest = tmp_path / "models.toml"
    entry = '[[subject]]\nname = "mine"\nsource = "{}"\n'
    manifest.write_text(entry.format("builtin:smollm2") + entry.format("builtin:minilm"), encoding="utf-8")
    assert "two subjects are named 'mine'" in usage_error(tmp_path, "--models", manifest)


def test_an_empty_source_is_refused(tmp_path: Path) -> None:
    """An unset variable of a CI job must not mean the current directory."""
    assert "an empty source" in usage_error(tmp_path, "--model", "")


def test_a_subject_cannot_bring_its_own_ini_file(tmp_path: Path) -> None:
    """`--model DIR` makes DIR pytest's rootdir; what stands there must not select checks or give consent."""
    subject = copy(CHAT, tmp_path / "subject")
    (subject / "pytest.ini").write_text("[pytest]\naddopts = -k weights\n", encoding="utf-8")
    assert "an ini file of pytest inside the subject" in usage_error(tmp_path, "--model", subject)


def test_consent_must_be_given_on_the_command_line(tmp_path: Path) -> None:
    subject = copy(CHAT, tmp_path / "subject")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --allow-pickle\n", encoding="utf-8")
    output = usage_error(tmp_path, f"--model={subject}", "-c", tmp_path / "pytest.ini")
    assert "--allow-pickle comes from" in output


@pytest.mark.parametrize("bound", ["", "min = nan", "min = 2.0\nmax = 1.0"])
def test_a_bound_that_bounds_nothing_is_refused(tmp_path: Path, bound: str) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(f'[[bounds]]\nmetric = "m"\nreason = "r"\n{bound}\n', encoding="utf-8")
    assert str(policy) in usage_error(tmp_path, "--model=builtin:smollm2", "--policy", policy)


def test_a_baseline_that_cannot_be_written_stops_the_run(tmp_path: Path) -> None:
    subject = f"--model={copy(CHAT, tmp_path / 'subject')}"
    assert "--save-baseline" in usage_error(tmp_path, subject, "--save-baseline", tmp_path)


def test_a_budget_of_nothing_is_refused(tmp_path: Path) -> None:
    assert "positive number" in usage_error(tmp_path, "--model=builtin:smollm2", "--memory-budget=-1")


def test_a_file_instead_of_a_directory_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.touch()
    assert "a file, not a model directory" in usage_error(tmp_path, f"--model={file}")


def test_an_unknown_dtype_names_the_known_ones(tmp_path: Path) -> None:
    assert "'float8' is not one of auto, float32" in usage_error(tmp_path, "--model=builtin:smollm2", "--dtype=float8")


@pytest.mark.skipif("__import__('torch').accelerator.is_available()", reason="there is an accelerator")
@pytest.mark.parametrize("options", [["-m", "gpu"], ["--device", "cuda"]], ids=" ".join)
def test_a_device_that_is_not_there_stops_the_run(tmp_path: Path, options: list[str]) -> None:
    assert "PyTorch" in usage_error(tmp_path, "--model=builtin:smollm2", *options)


def test_a_report_directory_that_cannot_be_written_stops_the_run(tmp_path: Path) -> None:
    (tmp_path / "report").write_text("in the way", encoding="utf-8")
    assert "cannot be written" in usage_error(tmp_path, f"--model={copy(CHAT, tmp_path / 'subject')}")


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
