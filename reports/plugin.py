"""pytest plugin of the package `reports`: options, and hooks that observe checks and write their records."""

from __future__ import annotations

import marshal
import warnings
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

import pytest

from reports.records import known_names, schema, to_json
from reports.records.outcomes import OUTCOMES
from reports.records.policy import Policy, checked_uses, with_defaults
from reports.redaction import redact, streams
from reports.run import hooks
from reports.run.observer import RunningCheck, classify, is_strict, reshape

RUNNING_CHECK = pytest.StashKey[RunningCheck]()
PLAN = pytest.StashKey[list[dict[str, Any]]]()
LEFT_OUT = pytest.StashKey[list[dict[str, Any]]]()
DESELECTED = pytest.StashKey[int]()
"""Number of checks that `-k`, `-m` or `--deselect` left out."""
SUBJECTS = pytest.StashKey[set[str]]()
"""Names of the subjects that have a check; only for `--collect-only --why`."""
ON_WORKER = "workerinput"
PACKED = "$seatrial"
CURRENT: list[RunningCheck] = []
"""The check that was set up last; empty before the first one and during other tests."""


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(hooks)


def pytest_addoption(parser: pytest.Parser) -> None:
    add = parser.getgroup("seatrial").addoption
    add("--report-dir", type=Path, metavar="DIR", help="default: reports/runs/<timestamp>-<subject>")
    add("--save-baseline", type=Path, metavar="PATH", help="save the results of this run, to compare with later")
    add("--baseline", type=Path, metavar="PATH", help="compare with the results of an earlier run")
    add(
        "--allow-mismatch",
        action="store_true",
        help="compare with a baseline of another device, dtype, profile or seed, and say so",
    )
    add(
        "--use",
        action="append",
        type=_uses,
        default=[],
        metavar="LIST",
        help="uses that you need besides the core ones, comma-separated: tools, system, training, serving ...",
    )
    add("--why", action="store_true", help="list the checks that were not generated, by the need that is not met")


def _uses(text: str) -> list[str]:
    try:
        return list(checked_uses((name.strip() for name in text.split(",") if name.strip()), f"--use {text}"))
    except ValueError as error:
        raise pytest.UsageError(str(error)) from error


@pytest.hookimpl(specname="pytest_sessionstart", tryfirst=True)
def pytest_refuse_bad_policy(session: pytest.Session) -> None:
    """Ends the run before anything is downloaded or built if the user's policy or manifest is not valid."""
    asked = session.config.hook.pytest_seatrial_policy(config=session.config)
    if asked and not hasattr(session.config, ON_WORKER):
        refuse_unknown(asked["manifest"], known_names.unknown_capabilities(asked["required"]))
        if asked["file"]:
            refuse_bad_policy(asked)


def refuse_bad_policy(asked: dict[str, Any]) -> None:
    """Raises `UsageError` for a policy that is not valid, or has rules about something that does not exist."""
    try:
        policy = Policy.from_dict(asked["table"], asked["key"], of_user=True)
    except ValueError as error:
        raise pytest.UsageError(f"{asked['file']}: {error}") from error
    names = known_names.Names(**asked["names"])
    refuse_unknown(asked["file"], known_names.unknown_in_policy(policy, asked["key"], names))


def refuse_unknown(file: str | None, problems: Iterable[str]) -> None:
    if found := list(problems):
        raise pytest.UsageError("\n".join(f"{file}: {problem}" for problem in found))


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Opens the report directory before the first check, so that a wrong one ends the run at once."""
    config = session.config
    config.stash[PLAN], config.stash[LEFT_OUT], config.stash[DESELECTED] = [], [], 0
    if config.option.collectonly:
        return
    streams.redact_log_file(config)
    if hasattr(config, ON_WORKER):
        return
    if description := config.hook.pytest_seatrial_run(config=config):
        from reports.run.controller import Controller  # here: not needed for collecting
        from reports.run.logbook import Logbook

        _refuse_unknown_uses(description["subjects"])
        streams.redact_terminal(config)
        policy = config.hook.pytest_seatrial_policy(config=config)
        logbook = Logbook(config, description, with_defaults(policy["table"], policy["default"]))
        config.pluginmanager.register(Controller(config, logbook), "seatrial-controller")


def pytest_deselected(items: list[pytest.Item]) -> None:
    if items:
        items[0].config.stash[DESELECTED] += len(items)


def _refuse_unknown_uses(subjects: list[dict[str, Any]]) -> None:
    for subject in subjects:
        try:
            checked_uses(subject.get("uses", []), f"uses of the subject {subject['name']}")
        except ValueError as error:
            raise pytest.UsageError(str(error)) from error


def pytest_collection_finish(session: pytest.Session) -> None:
    config = session.config
    config.stash[LEFT_OUT] = config.hook.pytest_seatrial_left_out(config=config) or []
    if config.option.collectonly:
        descriptions = (config.hook.pytest_seatrial_check(item=item) for item in session.items if config.option.why)
        config.stash[SUBJECTS] = {description["subject"] for description in descriptions if description}
        return
    for item in session.items:
        if description := config.hook.pytest_seatrial_check(item=item):
            item.stash[RUNNING_CHECK] = RunningCheck(description)
            config.stash[PLAN].append(description | {"nodeid": str(item.nodeid)})
    if controller := config.pluginmanager.get_plugin("seatrial-controller"):
        controller.plan(config.stash[PLAN], config.stash[LEFT_OUT], config.stash[DESELECTED])
        config.stash[PLAN].clear()  # only a worker needs it again


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Answers `--why` where no check runs; the controller does it where checks run."""
    if config.option.collectonly and config.option.why:
        from reports.output import terminal

        for text, style in terminal.left_out(config.stash[LEFT_OUT], config.stash[SUBJECTS]):
            terminalreporter.write_line(text, **style)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    check = item.stash.get(RUNNING_CHECK, None)
    if check is not None:
        redact.read_environment()  # before the variables that the check set are gone
    if check is not None and call.excinfo is not None and classify(call.excinfo.value) != "error":
        # findings show their evidence; a traceback, which takes milliseconds to format, is for errors only
        item.repr_failure = lambda excinfo, style=None: str(excinfo.value)  # type: ignore[method-assign]
    report = yield
    if check is None:
        return report
    check.duration += call.duration
    if call.excinfo is not None:
        check.note_exception(call.excinfo.value, report.longreprtext)
        reshape(report, check, item, strict=is_strict(item.config))
    redact.redact_pytest_report(report)
    report.keywords = {}  # names of all folders and marks, which xdist would send three times for each check
    if report.when == "teardown":
        report.seatrial = lines_of(check)
        del item.stash[RUNNING_CHECK]  # pytest keeps every item until the end
    return report


def lines_of(check: RunningCheck) -> list[str]:
    """The record of a check, and a problem of its subject, as JSON; xdist sends texts faster than nested values."""
    _, line = redact.redacted_with_line(schema.Check.from_json(check.fields()))
    problem = redact.redacted_value(to_json.plain(check.problem)) if check.problem else None
    return [line, to_json.dumps(problem)]


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable(config: pytest.Config) -> Generator[None, Any, Any]:
    """Packs the reports of a worker: xdist writes every name and number of them one by one."""
    data = yield
    if not hasattr(config, ON_WORKER) or not isinstance(data, dict):
        return data
    try:
        return {PACKED: marshal.dumps(data)}
    except ValueError:  # a value that is no plain data; xdist reports it
        return data


@pytest.hookimpl(tryfirst=True)
def pytest_report_from_serializable(config: pytest.Config, data: dict[str, Any]) -> Any:
    if PACKED not in data:
        return None
    added = {name: value for name, value in data.items() if name != PACKED}
    return config.hook.pytest_report_from_serializable(config=config, data=marshal.loads(data[PACKED]) | added)


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    outcome = getattr(report, "seatrial_outcome", None)
    return (outcome, OUTCOMES[outcome].letter, outcome.upper()) if outcome else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    CURRENT[:] = [check] if (check := item.stash.get(RUNNING_CHECK, None)) else []


@pytest.fixture
def record() -> RunningCheck:
    """Records facts of a check besides its outcome: `record.capability(...)`, `record.metric(...)` and others."""
    return CURRENT[0]  # not by pytest's `request`, which takes longer to make than many checks


@pytest.hookimpl(tryfirst=True)
def pytest_warning_recorded(warning_message: warnings.WarningMessage) -> None:
    """Redacts warnings in the process that knows the secrets; xdist sends them to one that may not."""
    warning = warning_message.message
    if isinstance(warning, Warning):
        warning.args = tuple(redact.redacted(part) if isinstance(part, str) else part for part in warning.args)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None]:
    """Sends a worker's plan to xdist's controller, which collects nothing; then redacts files of other plugins."""
    config = session.config
    if hasattr(config, ON_WORKER):
        output = config.workeroutput  # type: ignore[attr-defined]
        output["seatrial_plan"], output["seatrial_left_out"] = config.stash[PLAN], config.stash[LEFT_OUT]
        output["seatrial_deselected"] = config.stash[DESELECTED]
    timings = keep_timings(config)
    yield
    if timings and timings.is_file():
        redact.redact_file(timings)
    junit = getattr(config.option, "xmlpath", None)
    if junit and config.pluginmanager.has_plugin("seatrial-controller") and Path(junit).is_file():
        redact.redact_file(Path(junit))


def keep_timings(config: pytest.Config) -> Path | None:
    """Makes pytest-benchmark write its rounds to the report directory, unless it writes a file anyway.

    Its table is not printed: the report has these numbers.
    """
    session = getattr(config, "_benchmarksession", None)
    controller = config.pluginmanager.get_plugin("seatrial-controller")
    if session is None or controller is None or not session.benchmarks or session.json:
        return None
    path: Path = controller.logbook.directory / "benchmark.json"
    session.json, session.quiet = str(path), not session.verbose
    return path


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, Any, Any]:
    """Redacts usage errors, whose messages hold paths and values of options."""
    try:
        return (yield)
    except pytest.UsageError as error:
        redact.read_environment()
        error.args = tuple(redact.redacted(str(part)) for part in error.args)
        raise
