"""Wrong options stop the run before the first check, with one sentence and pytest's exit status for usage errors."""

from __future__ import annotations

from pathlib import Path

import pytest

from selftests.gallery.harness import copy
from selftests.gallery.registry import CHAT
from selftests.processes.pytest_run import run_pytest


def usage_error(tmp_path: Path, *arguments: str | Path) -> str:
    done = run_pytest(*arguments, report=tmp_path / "report")
    assert done.code == pytest.ExitCode.USAGE_ERROR, done.output
    assert "Traceback" not in done.output
    return done.output


def test_an_unknown_builtin_names_the_known_ones(tmp_path: Path) -> None:
    output = usage_error(tmp_path, "--model", "builtin:smollm3")
    assert "unknown built-in" in output
    assert "builtin:smollm2" in output


def test_a_misspelled_manifest_key_is_named_with_the_allowed_ones(tmp_path: Path) -> None:
    manifest = tmp_path / "models.toml"
    manifest.write_text('[[subject]]\nsource = "builtin:smollm2"\nacept = {}\n', encoding="utf-8")
    output = usage_error(tmp_path, "--models", manifest)
    assert "unknown key 'subject.0.acept'" in output
    assert "Did you mean 'accept'?" in output


def manifest_accepting(tmp_path: Path, entry: str) -> Path:
    path = tmp_path / "models.toml"
    path.write_text(f'[[subject]]\nsource = "builtin:smollm2"\n[subject.accept]\n{entry}\n', encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ('"integrity/load" = "known"', "there is no check 'integrity/load'. Did you mean 'integrity/loads'?"),
        ('"integrity/loads" = " "', "subject.0.accept.integrity/loads.reason: needs a reason"),
        ('"integrity/loads" = { reason = "known", untl = 2027-01-31 }', "Did you mean 'until'?"),
        ('"integrity/loads" = { reason = "known", until = "soon" }', "expected a date, such as 2027-01-31"),
    ],
)
def test_what_is_accepted_exists_and_has_a_reason(tmp_path: Path, entry: str, message: str) -> None:
    assert message in usage_error(tmp_path, "--models", manifest_accepting(tmp_path, entry))


@pytest.mark.parametrize(
    ("option", "message"),
    [("loads=known", "Did you mean 'integrity/loads'?"), ("integrity/loads", "expected CHECK=REASON")],
)
def test_accept_needs_a_check_and_a_reason(tmp_path: Path, option: str, message: str) -> None:
    assert message in usage_error(tmp_path, "--model=builtin:smollm2", "--accept", option)


def test_a_misspelled_policy_key_is_named(tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text("requird = []\n", encoding="utf-8")
    output = usage_error(tmp_path, "--model=builtin:smollm2", "--policy", policy)
    assert (
        f"{policy}: unknown key 'requird'; allowed: bounds, required, severity, uses. Did you mean 'required'?"
        in output
    )


def test_a_policy_about_nothing_is_refused(tmp_path: Path) -> None:
    """It would silently change nothing."""
    severity = '[policy.severity."integrity/generation-config-vald"]\nas = "ignore"\nreason = "r"\n'
    bound = '[[policy.bounds]]\nmetric = "quantization.kl_divergnce"\nquantization = "nf5"\nmax = 1\nreason = "r"\n'
    manifest = tmp_path / "models.toml"
    manifest.write_text(f'[[subject]]\nsource = "builtin:smollm2"\n{severity}{bound}', encoding="utf-8")
    output = usage_error(tmp_path, "--models", manifest)
    assert "policy.severity: there is no check 'integrity/generation-config-vald'. Did you mean" in output
    assert "policy.bounds.0.metric: there is no metric 'quantization.kl_divergnce'. Did you mean" in output
    assert "policy.bounds.0.quantization: there is no scheme 'nf5'. Did you mean 'nf4'" in output


def test_an_unknown_capability_is_refused(tmp_path: Path) -> None:
    manifest = tmp_path / "models.toml"
    manifest.write_text(
        '[[subject]]\nsource = "builtin:smollm2"\nrequired_capabilities = ["chat.tool"]\n', encoding="utf-8"
    )
    assert "there is no capability 'chat.tool'. Did you mean 'chat.tools'" in usage_error(
        tmp_path, "--models", manifest
    )


@pytest.mark.parametrize("options", [[], ["--collect-only"]], ids=["run", "collect"])
def test_a_wrong_policy_of_a_manifest_is_named_by_file_and_key(tmp_path: Path, options: list[str]) -> None:
    manifest = tmp_path / "models.toml"
    bound = '[[policy.bounds]]\nmetric = "quality.perplexity"\nmaxi = 1\nreason = "r"\n'
    manifest.write_text(f'[[subject]]\nsource = "builtin:smollm2"\n{bound}', encoding="utf-8")
    output = usage_error(tmp_path, "--models", manifest, *options)
    assert f"{manifest}: unknown key 'policy.bounds.0.maxi'" in output
    assert "Did you mean 'max'?" in output


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
    assert "ini file, which belongs to the subject" in usage_error(tmp_path, "--model", subject)


def test_consent_must_be_given_on_the_command_line(tmp_path: Path) -> None:
    subject = copy(CHAT, tmp_path / "subject")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --allow-pickle\n", encoding="utf-8")
    output = usage_error(tmp_path, f"--model={subject}", "-c", tmp_path / "pytest.ini")
    assert "--allow-pickle is set in" in output


@pytest.mark.parametrize("bound", ["", "min = nan", "min = 2.0\nmax = 1.0"])
def test_a_bound_that_bounds_nothing_is_refused(tmp_path: Path, bound: str) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text(f'[[bounds]]\nmetric = "quality.perplexity"\nreason = "r"\n{bound}\n', encoding="utf-8")
    assert str(policy) in usage_error(tmp_path, "--model=builtin:smollm2", "--policy", policy)


def test_a_baseline_that_cannot_be_written_stops_the_run(tmp_path: Path) -> None:
    subject = f"--model={copy(CHAT, tmp_path / 'subject')}"
    assert "--save-baseline" in usage_error(tmp_path, subject, "--save-baseline", tmp_path)


def test_a_budget_of_nothing_is_refused(tmp_path: Path) -> None:
    assert "positive size" in usage_error(tmp_path, "--model=builtin:smollm2", "--memory-budget=-1")


def test_a_file_instead_of_a_directory_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    file.touch()
    assert "neither a model directory" in usage_error(tmp_path, f"--model={file}")


def test_a_path_that_does_not_exist_names_what_is_called_like_it(tmp_path: Path) -> None:
    subject = copy(CHAT, tmp_path / "subject")
    assert f"Did you mean '{subject}'?" in usage_error(tmp_path, "--model", tmp_path / "subjcet")


def test_an_unknown_value_stops_the_run_without_pytests_usage(tmp_path: Path) -> None:
    output = usage_error(tmp_path, "--model=builtin:smollm2", "--dtype=fp16")
    assert output.strip() == (
        "ERROR: --dtype fp16: expected one of auto, float32, bfloat16, float16. Did you mean 'float16'?"
    )


@pytest.mark.skipif("__import__('torch').accelerator.is_available()", reason="there is an accelerator")
@pytest.mark.parametrize("options", [["-m", "gpu"], ["--device", "cuda"]], ids=" ".join)
def test_a_device_that_is_not_there_stops_the_run(tmp_path: Path, options: list[str]) -> None:
    assert "PyTorch" in usage_error(tmp_path, "--model=builtin:smollm2", *options)


def test_a_report_directory_that_cannot_be_written_stops_the_run(tmp_path: Path) -> None:
    (tmp_path / "report").write_text("in the way", encoding="utf-8")
    assert "cannot be written" in usage_error(tmp_path, f"--model={copy(CHAT, tmp_path / 'subject')}")
