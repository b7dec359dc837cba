"""`python -m reports`: every command, its exit codes, and no traceback for any wrong input."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from fixtures.session.options import SUITES
from reports.__main__ import main
from reports.baseline import file as baseline_file
from reports.directory import merge, report_directory
from reports.records import schema
from reports.records.run_records import RunRecords
from selftests.reports import trials

WRITTEN = (report_directory.VERDICT, report_directory.HTML, report_directory.MARKDOWN)


def recorded(directory: Path, trial: RunRecords, *, cut: int = 0) -> Path:
    """The directory of a run that wrote its records and nothing else; `cut` bytes of its last line missing."""
    writer = schema.Writer(directory / report_directory.RECORDS)
    for record in merge.stream(trial):
        writer.write(record)
    writer.close()
    if cut:
        path = directory / report_directory.RECORDS
        path.write_bytes(path.read_bytes()[:-cut])
    return directory


def verdicts(directory: Path) -> list[str]:
    return [entry["verdict"] for entry in json.loads((directory / report_directory.VERDICT).read_text())["subjects"]]


def reports(*arguments: Path | str) -> int:
    return main([str(argument) for argument in arguments])


def test_html_rebuilds_every_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Records are enough."""
    directory = recorded(tmp_path / "run", trials.rejected())
    assert reports("html", directory) == 0
    assert all((directory / name).is_file() for name in WRITTEN)
    assert verdicts(directory) == ["reject"]
    assert str(directory / report_directory.HTML) in capsys.readouterr().out
    assert sorted(path.name for path in directory.iterdir()) == sorted([report_directory.RECORDS, *WRITTEN])


def test_html_of_a_killed_run_is_inconclusive(tmp_path: Path) -> None:
    """The last line is cut in its middle, and there is no end."""
    directory = recorded(tmp_path / "run", trials.killed(), cut=40)
    assert reports("html", directory) == 0
    assert verdicts(directory) == ["inconclusive"]


def test_html_keeps_the_baseline_changes_of_the_first_report(tmp_path: Path) -> None:
    """The baseline itself need not be there any more."""
    directory = recorded(tmp_path / "run", trials.rejected())
    changes = baseline_file.compare(baseline_file.snapshot(trials.healthy()), trials.rejected())
    report_directory.write(directory, report_directory.load(directory), changes)
    assert reports("html", directory) == 0
    assert report_directory.regressions(directory) == json.loads(json.dumps(changes))


def test_merge_unites_subjects_and_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two shards of one subject and one of another; a check in both counts once, at its worst."""
    shard_checks = [trials.passing()[:3], [*trials.passing()[2:], trials.hazard()], trials.passing("acme/other")]
    directories = [
        recorded(
            tmp_path / str(index),
            trials.trial(*checks, subjects=[trials.subject(checks[0].subject)], command=f"pytest {index}"),
        )
        for index, checks in enumerate(shard_checks)
    ]
    assert reports("merge", *directories, "-o", tmp_path / "out") == 0
    merged = report_directory.load(tmp_path / "out")
    assert [subject.name for subject in merged.subjects] == [trials.SMOLLM2, "acme/other"]
    assert len(merged.checks) == len({check.key for check in merged.checks}) == 13
    assert verdicts(tmp_path / "out") == ["adopt-with-conditions", "adopt"]
    assert "acme/other: adopt\n" in capsys.readouterr().out


def test_merge_exits_like_the_run_would(tmp_path: Path) -> None:
    """One rejected shard, or one that was killed, fails the matrix."""
    good = recorded(tmp_path / "good", trials.healthy())
    endless = trials.trial(*trials.passing(), ended=False)
    for name, trial in (("bad", trials.rejected()), ("cut", trials.killed()), ("endless", endless)):
        assert reports("merge", good, recorded(tmp_path / name, trial), "-o", tmp_path / f"out-{name}") == 1


@pytest.mark.parametrize("field", ["device", "profile", "versions"])
def test_merge_refuses_different_runs_unless_forced(
    tmp_path: Path, field: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Shards under other conditions are refused; with --force the report lists the differences."""
    changes: dict[str, Any] = {field: {"torch": "9.9"} if field == "versions" else "other"}
    one = recorded(tmp_path / "one", trials.healthy())
    other = recorded(tmp_path / "other", trials.trial(*trials.passing(), **changes))
    assert reports("merge", one, other, "-o", tmp_path / "out") == 2
    assert field in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert reports("merge", one, other, "-o", tmp_path / "out", "--force") == 0
    assert f"differs: {field}" in report_directory.load(tmp_path / "out").run.environment


def test_merge_never_mixes_two_models_under_one_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Not even when forced."""
    other = trials.trial(*trials.passing(), subjects=[trials.subject(fingerprint="sha256:1")])
    directories = recorded(tmp_path / "one", trials.healthy()), recorded(tmp_path / "other", other)
    assert reports("merge", *directories, "-o", tmp_path / "out", "--force") == 2
    assert "other files" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("after", "code", "message"),
    [
        (trials.healthy(), 0, "Nothing became worse."),
        (trials.rejected(), 1, "newly failing: integrity/weights-complete"),
        (trials.trial(*trials.passing(), profile="exhaustive"), 2, "Not comparable"),
    ],
)
def test_compare_takes_directories_and_baselines(
    tmp_path: Path, after: RunRecords, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 unchanged, 1 worse, 2 not comparable."""
    before, now = recorded(tmp_path / "before", trials.healthy()), recorded(tmp_path / "after", after)
    baseline_file.save(trials.healthy(), tmp_path / "baseline.json")
    for side in (before, tmp_path / "baseline.json"):
        assert reports("compare", side, now) == code
        assert message in capsys.readouterr().out


def test_compare_goes_on_where_that_is_allowed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Another profile: refused with the option's name, or compared with a note."""
    before = recorded(tmp_path / "before", trials.healthy())
    after = recorded(tmp_path / "after", trials.trial(*trials.passing(), profile="exhaustive"))
    assert reports("compare", before, after) == 2
    assert "--allow-mismatch" in capsys.readouterr().out
    assert reports("compare", before, after, "--allow-mismatch") == 0
    assert "Compared, although" in capsys.readouterr().out


def test_compare_writes_a_report_with_the_changes_first(tmp_path: Path) -> None:
    before = recorded(tmp_path / "before", trials.healthy())
    after = recorded(tmp_path / "after", trials.rejected())
    assert reports("compare", before, after, "-o", tmp_path / "out") == 1
    changes = report_directory.regressions(tmp_path / "out")
    assert changes[0]["kind"] == "newly failing"
    assert reports("html", tmp_path / "out") == 0
    assert report_directory.regressions(tmp_path / "out") == changes
    assert report_directory.load(tmp_path / "out").run.options["baseline"] == str(before)


def test_show_prints_the_summary_without_colours_into_a_pipe(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Readable in a log file."""
    assert reports("show", recorded(tmp_path / "run", trials.rejected())) == 0
    out = capsys.readouterr().out
    assert "builtin:smollm2: REJECT" in out
    assert "\x1b" not in out


def damaged(directory: Path) -> Path:
    """A record file with rubbish in its middle."""
    path = recorded(directory, trials.healthy()) / report_directory.RECORDS
    path.write_bytes(b"\xff\x00 rubbish\n" + path.read_bytes())
    return directory


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["html", "missing"], "missing: holds no records.jsonl"),
        (["show", "damaged"], "line 1: not a JSON record"),
        (["show", "empty"], "no run record"),
        (["compare", "missing.json", "healthy"], "missing.json: No such file"),
        (["compare", "healthy", "healthy/records.jsonl"], "is no baseline"),
        (["merge", "healthy", "-o", "file"], "file"),
    ],
)
def test_wrong_input_is_one_sentence(tmp_path: Path, arguments: Sequence[str], message: str) -> None:
    """Exit code 2, one line on standard error, no traceback."""
    recorded(tmp_path / "healthy", trials.healthy())
    damaged(tmp_path / "damaged")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / report_directory.RECORDS).touch()
    (tmp_path / "file").touch()
    root = SUITES.parent
    command = [
        sys.executable,
        "-c",
        f"import sys; sys.path[0] = {str(root)!r}; from reports.__main__ import main; sys.exit(main())",
    ]
    done = subprocess.run([*command, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_mistyped_option_does_not_repeat_a_secret(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_TOKEN", "mistyped-0123456789")
    with pytest.raises(SystemExit, match="2"):
        reports("show", "--tokn=mistyped-0123456789", "here")
    assert "--tokn=[SOME_TOKEN hidden]" in capsys.readouterr().err


def test_a_wrong_command_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    """argparse names the commands."""
    with pytest.raises(SystemExit) as ended:
        main(["decorate"])
    assert ended.value.code == 2
    assert "merge" in capsys.readouterr().err


def test_a_report_is_replaced_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills up half-way leaves the report that was there, and no litter."""
    directory = recorded(tmp_path / "run", trials.healthy())
    report_directory.write(directory, trials.healthy())
    before = (directory / report_directory.HTML).read_bytes()

    def full(self: Path, data: bytes) -> int:
        self.open("wb").write(data[:100])
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        report_directory.write(directory, trials.rejected())
    assert (directory / report_directory.HTML).read_bytes() == before
    assert not [path for path in directory.iterdir() if path.name.startswith(".")]


def test_the_command_line_imports_no_torch_and_no_pytest() -> None:
    """Merging shards works where no model library is installed."""
    heavy = ("torch", "transformers", "pytest", "jinja2")
    program = f"import sys, reports.__main__; print([name for name in {heavy} if name in sys.modules])"
    root = SUITES.parent
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == "[]"
