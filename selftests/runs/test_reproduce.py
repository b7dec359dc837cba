"""The command of a finding, pasted, ends in the same finding."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from selftests.gallery.edits.files import set_keys
from selftests.gallery.harness import copy
from selftests.gallery.registry import CHAT, CLASSIFIER
from selftests.processes.pytest_run import QUIET, environment, run_pytest

MANIFEST = """
[[subject]]
source = "model"
name = "my bot"
canaries = [{{ input = "The capital of France is", answer = " Paris" }}]
[subject.accept]
"integrity/generation-config-valid" = "known, the server overrides it"

[[subject]]
source = "{other}"
"""
POLICY = '[severity."integrity/special-ids-agree"]\nas = "defect"\nreason = "our server reads the tokenizer only"\n'
SELECTED = "canaries or generation_config_valid or special_ids_agree or stops_at_end"


def pasted(command: str, report: Path, cwd: Path) -> dict[str, Any]:
    words = [sys.executable, "-m", *shlex.split(command), "-q", f"--report-dir={report}"]
    env = {name: value for name, value in environment().items() if name != "CI"}
    done = subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert (report / "verdict.json").is_file(), done.stdout + done.stderr
    return dict(json.loads((report / "verdict.json").read_text(encoding="utf-8")))


def test_pasted_commands_find_the_same(tmp_path: Path) -> None:
    """With what a manifest says, a policy, accepted findings, a dtype and a budget; started in another directory."""
    subject = copy(CHAT, tmp_path / "some trials" / "model")
    set_keys(subject / "generation_config.json", do_sample=False, temperature=0.7, eos_token_id=[0])
    (tmp_path / "some trials" / "models.toml").write_text(MANIFEST.format(other=copy(CLASSIFIER, tmp_path / "other")))
    (tmp_path / "policy.toml").write_text(POLICY, encoding="utf-8")
    options = ["--models=some trials/models.toml", "--policy=policy.toml", "--dtype=auto,bfloat16"]
    options += ["--memory-budget=2GB", "--accept=generation/stops-at-end-of-turn=we stop on text"]
    first = run_pytest(*QUIET, *options, "-k", SELECTED, report=tmp_path / "first", cwd=tmp_path)
    findings = first.subject("my bot")["findings"]
    assert len({finding["check"] for finding in findings}) == 4, first.output
    by_check = {(finding["check"], finding["variant"].get("dtype")): finding for finding in findings}
    for number, ((check, dtype), finding) in enumerate(sorted(by_check.items(), key=str)):
        if dtype == "float32" and (check, "bfloat16") in by_check:
            continue  # one variant of each
        verdict = pasted(finding["reproduce"], tmp_path / f"again{number}", tmp_path)
        (again,) = verdict["subjects"]
        assert again["subject"]["name"] == "my bot"
        assert [each for each in again["findings"] if each["check"] == check] == [finding], finding["reproduce"]
