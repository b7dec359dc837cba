"""One run per way of starting, as users type them."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.session.policy_tables import DEFAULT_POLICY
from fixtures.session.toml_files import read_toml
from reports.records.policy import Policy
from selftests.gallery.edits.files import set_keys
from selftests.gallery.harness import copy
from selftests.gallery.registry import CHAT, CLASSIFIER
from selftests.processes.pytest_run import QUIET, ROOT, run_pytest

LIGHT = ("-k", "generation_config or label_names")
"""A few checks that load nothing."""


@pytest.fixture
def subject(tmp_path: Path) -> Path:
    return copy(CHAT, tmp_path / "some where" / "model")


@pytest.mark.parametrize("form", ["space", "equals", "path first"])
@pytest.mark.parametrize("started_in", ["repository", "elsewhere", "model directory"])
def test_model_is_found_however_it_is_written(form: str, started_in: str, subject: Path, tmp_path: Path) -> None:
    """`pytest --model DIR` with a space and a directory anywhere must work."""
    forms: dict[str, list[str | Path]] = {
        "space": ["--model", subject],
        "equals": [f"--model={subject}"],
        "path first": [ROOT / "suites" / "integrity", "--model", subject],
    }
    cwd = {"repository": ROOT, "elsewhere": tmp_path, "model directory": subject}[started_in]
    done = run_pytest(*forms[form], *LIGHT, report=tmp_path / "report", cwd=cwd)
    assert done.code == 0, done.output
    assert done.subject("model")["counts"]["pass"] == 2
    if started_in != "model directory":
        assert not [path.name for path in subject.iterdir() if path.name.startswith(".")], "nothing is written there"


def test_a_relative_directory_works(subject: Path, tmp_path: Path) -> None:
    done = run_pytest("--model", "./model", *LIGHT, report=tmp_path / "report", cwd=subject.parent)
    assert done.verdict["subjects"][0]["subject"]["source"] == "./model"
    assert done.code == 0


def test_a_hub_id_is_read_from_the_local_cache(subject: Path, tmp_path: Path) -> None:
    """With HF_HUB_OFFLINE, the snapshot of a revision that was downloaded before."""
    repository = tmp_path / "home" / "hub" / "models--org--name"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "v1").write_text("0123456789abcdef0123456789abcdef01234567", encoding="utf-8")
    subject.rename(repository / "snapshot")
    (repository / "snapshots").mkdir()
    (repository / "snapshot").rename(repository / "snapshots" / "0123456789abcdef0123456789abcdef01234567")
    env = {"HF_HOME": str(tmp_path / "home")}
    done = run_pytest(*QUIET, "--model", "org/name@v1", *LIGHT, report=tmp_path / "report", env=env)
    entry = done.subject("org/name@v1")
    assert entry["subject"]["revision"] == "v1"
    assert entry["counts"]["pass"] == 2, done.output


def test_several_models_get_a_verdict_each(subject: Path, tmp_path: Path) -> None:
    """Directories with the same name are named after their parents too."""
    twin = copy(CLASSIFIER, tmp_path / "twin" / "model")
    done = run_pytest(*QUIET, f"--model={subject}", f"--model={twin}", *LIGHT, report=tmp_path / "report")
    names = [entry["subject"]["name"] for entry in done.verdict["subjects"]]
    assert names == ["some where/model", "twin/model"]
    html = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    assert all(name in html for name in names)


def test_a_manifest_names_accepts_and_requires(subject: Path, tmp_path: Path) -> None:
    """An accepted finding does not fail the run; the reason is in the verdict."""
    set_keys(subject / "generation_config.json", do_sample=False, temperature=0.7)
    manifest = tmp_path / "models.toml"
    manifest.write_text(
        '[[subject]]\nsource = "some where/model"\nname = "mine"\n'
        '[subject.accept]\n"integrity/generation-config-valid" = "known, the server overrides it"\n',
        encoding="utf-8",
    )
    done = run_pytest(*QUIET, "--strict", "--models", manifest, *LIGHT, report=tmp_path / "report")
    assert done.subject("mine")["verdict"] == "partial"
    assert any("the server overrides it" in reason for reason in done.subject("mine")["reasons"])
    assert done.code == 0, done.output


@pytest.mark.parametrize(
    ("required", "verdict"),
    [
        ("chat.tools", "partial"),
        ("chat.alternation=free", "partial"),
        ("chat.alternation=strict", "reject"),
        ("generation.cache", "inconclusive"),
    ],
)
def test_a_required_capability_decides(required: str, verdict: str, subject: Path, tmp_path: Path) -> None:
    manifest = tmp_path / "models.toml"
    manifest.write_text(
        f'[[subject]]\nsource = "some where/model"\nrequired_capabilities = ["{required}"]\n', encoding="utf-8"
    )
    done = run_pytest(*QUIET, "--models", manifest, "-k", "capabilities or renders", report=tmp_path / "report")
    assert done.subject("model")["verdict"] == verdict, done.subject("model")["reasons"]


def test_strict_makes_hazards_fail(subject: Path, tmp_path: Path) -> None:
    set_keys(subject / "generation_config.json", do_sample=False, temperature=0.7)
    lenient = run_pytest(*QUIET, f"--model={subject}", *LIGHT, report=tmp_path / "lenient")
    strict = run_pytest(*QUIET, "--strict", f"--model={subject}", *LIGHT, report=tmp_path / "strict")
    assert (lenient.code, lenient.subject("model")["verdict"]) == (0, "partial")
    assert (strict.code, strict.subject("model")["verdict"]) == (1, "reject")


def test_a_policy_reclassifies_a_finding(subject: Path, tmp_path: Path) -> None:
    set_keys(subject / "generation_config.json", do_sample=False, temperature=0.7)
    policy = tmp_path / "policy.toml"
    policy.write_text(
        '[severity."integrity/generation-config-valid"]\nas = "defect"\nreason = "we save what we tune"\n',
        encoding="utf-8",
    )
    done = run_pytest(*QUIET, f"--model={subject}", "--policy", policy, *LIGHT, report=tmp_path / "report")
    assert (done.code, done.subject("model")["verdict"]) == (1, "reject")


def test_a_baseline_shows_what_changed(subject: Path, tmp_path: Path) -> None:
    saved = tmp_path / "baseline.json"
    options = (*QUIET, f"--model={subject}", *LIGHT)
    run_pytest(*options, "--save-baseline", saved, report=tmp_path / "before")
    same = run_pytest(*options, "--baseline", saved, report=tmp_path / "same")
    set_keys(subject / "generation_config.json", do_sample=False, temperature=0.7)
    changed = run_pytest(*options, "--baseline", saved, report=tmp_path / "after")
    assert (same.code, same.verdict["regressions"]) == (0, [])
    assert "integrity/generation-config-valid" in {entry["check"] for entry in changed.verdict["regressions"]}
    assert changed.code == 1


def test_a_run_that_tried_nothing_saves_no_baseline(subject: Path, tmp_path: Path) -> None:
    saved = tmp_path / "baseline.json"
    options = ("-k", "no_such_check", "--save-baseline", saved)
    done = run_pytest(*QUIET, f"--model={subject}", *options, report=tmp_path / "report")
    assert not saved.exists()
    assert "No baseline was saved" in done.output


def test_another_projects_ini_file_does_not_hide_the_checks(subject: Path, tmp_path: Path) -> None:
    """Its tests may be named otherwise; ours are found all the same."""
    project = tmp_path / "project"
    project.mkdir()
    (project / "pytest.ini").write_text(
        "[pytest]\npython_files = check_*.py\npython_functions = check_*\n", encoding="utf-8"
    )
    done = run_pytest(*QUIET, f"--model={subject}", *LIGHT, report=tmp_path / "report", cwd=project)
    assert (done.code, done.subject("model")["counts"]["pass"]) == (0, 2), done.output


def test_a_report_inside_the_subject_leaves_its_fingerprint(subject: Path) -> None:
    runs = [run_pytest(*QUIET, "--model=.", *LIGHT, report=subject / "runs" / name, cwd=subject) for name in "ab"]
    first, second = (run.verdict["subjects"][0]["subject"]["fingerprint"] for run in runs)
    assert first == second


def test_workers_report_to_one_place(subject: Path, tmp_path: Path) -> None:
    """xdist changes only the order of the records. No timings: `selftests/suites/quantization/test_cost.py`."""
    pytest.importorskip("xdist")
    asked = (*QUIET, "-k", "not generation_speed", f"--model={subject}")
    alone = run_pytest(*asked, report=tmp_path / "alone")
    spread = run_pytest(*asked, "-n2", report=tmp_path / "spread")
    counts = [run.subject("model")["counts"] for run in (alone, spread)]
    assert counts[0] == counts[1]
    assert spread.verdict["run"]["complete"]


def test_junit_shows_hazards(subject: Path, tmp_path: Path) -> None:
    set_keys(subject / "generation_config.json", do_sample=False, temperature=0.7)
    junit = tmp_path / "junit.xml"
    run_pytest(*QUIET, f"--model={subject}", f"--junit-xml={junit}", *LIGHT, report=tmp_path / "report")
    assert "hazard: generation_config.json contradicts itself" in junit.read_text(encoding="utf-8")


def test_another_projects_run_is_left_alone(tmp_path: Path) -> None:
    """Installed next to other projects, seatrial writes and prints nothing."""
    (tmp_path / "test_other.py").write_text("def test_it():\n    assert True\n", encoding="utf-8")
    done = run_pytest("-p", "no:cacheprovider", report=tmp_path / "report", cwd=tmp_path)
    assert done.code == 0, done.output
    assert "seatrial:" not in done.output
    assert not (tmp_path / "report").exists()


def test_the_default_policy_gives_a_reason_for_each_number() -> None:
    """Its bounds do not apply to subjects that were not quantized."""
    bounds = Policy.from_dict(read_toml(DEFAULT_POLICY), of_user=True).bounds
    assert len(bounds) > 10
    assert all(bound.only_if_measured and len(bound.reason) > 40 for bound in bounds)
