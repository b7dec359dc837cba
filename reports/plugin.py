"""pytest's plugin of the room `reports`: options, and hooks that observe checks and write what was seen."""

from __future__ import annotations

import marshal
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from reports.records import schema, to_json
from reports.redaction import redact, streams
from reports.run import hooks
from reports.run.observer import SHORT, Observation, classify, is_strict, reshape

OBSERVATION = pytest.StashKey[Observation]()
PLAN = pytest.StashKey[list[dict[str, Any]]]()
ON_WORKER = "workerinput"
PACKED = "$seatrial"
BEGUN: list[Observation] = []
"""The observation of the check that was set up last."""


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(hooks)


def pytest_addoption(parser: pytest.Parser) -> None:
    add = parser.getgroup("seatrial").addoption
    add("--report-dir", type=Path, metavar="DIR", help="default: reports/runs/<timestamp>-<subject>")
    add("--save-baseline", type=Path, metavar="PATH", help="keep the records of this run to compare with later")
    add("--baseline", type=Path, metavar="PATH", help="compare with the records of an earlier run")
    add(
        "--allow-mismatch",
        action="store_true",
        help="compare with a baseline of another device, dtype, profile or seed, and say so",
    )


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Opens the report directory before the first check, so that a bad one is told at once."""
    config = session.config
    config.stash[PLAN] = []
    if config.option.collectonly:
        return
    streams.screen_log(config)
    if hasattr(config, ON_WORKER):
        return
    if description := config.hook.pytest_seatrial_run(config=config):
        from reports.run.controller import Controller  # here: collecting needs none of what writes reports
        from reports.run.logbook import Logbook

        streams.screen(config)
        config.pluginmanager.register(Controller(config, Logbook(config, description)), "seatrial-controller")


def pytest_collection_finish(session: pytest.Session) -> None:
    config = session.config
    if config.option.collectonly:
        return
    for item in session.items:
        if description := config.hook.pytest_seatrial_check(item=item):
            item.stash[OBSERVATION] = Observation(description)
            config.stash[PLAN].append(description | {"nodeid": str(item.nodeid)})
    if controller := config.pluginmanager.get_plugin("seatrial-controller"):
        controller.plan(config.stash[PLAN])
        config.stash[PLAN].clear()  # only a worker is asked for it again


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
    observation = item.stash.get(OBSERVATION, None)
    if observation is not None:
        redact.notice()  # while what the check set in its environment is still there
    if observation is not None and call.excinfo is not None and classify(call.excinfo.value) != "error":
        # a finding shows its evidence; the traceback, which takes milliseconds to format, is shown of errors only
        item.repr_failure = lambda excinfo, style=None: str(excinfo.value)  # type: ignore[method-assign]
    report = yield
    if observation is None:
        return report
    observation.duration += call.duration
    if call.excinfo is not None:
        observation.note_exception(call.excinfo.value, report.longreprtext)
        reshape(report, observation, item, strict=is_strict(item.config))
    redact.clean_report(report)
    report.keywords = {}  # names of all folders and marks, which nobody reads and xdist carries three times a check
    if report.when == "teardown":
        report.seatrial = told(observation)
        del item.stash[OBSERVATION]  # pytest keeps every test until its end
    return report


def told(observation: Observation) -> list[str]:
    """The check's record as a line, and a problem of its subject as JSON: texts travel faster than what they say."""
    _, line = redact.clean_with_line(schema.Check(**observation.record()))
    problem = redact.cleaned(to_json.plain(observation.problem)) if observation.problem else None
    return [line, to_json.dumps(problem)]


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable(config: pytest.Config) -> Generator[None, Any, Any]:
    """Packs what a worker sends: xdist writes every name and number of a report one by one, three times a check."""
    data = yield
    if not hasattr(config, ON_WORKER) or not isinstance(data, dict):
        return data
    try:
        return {PACKED: marshal.dumps(data)}
    except ValueError:  # something that is no plain data: xdist says what
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
    return (outcome, SHORT[outcome], outcome.upper()) if outcome in SHORT else None


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    BEGUN[:] = [observation] if (observation := item.stash.get(OBSERVATION, None)) else []


@pytest.fixture
def record() -> Observation:
    """What a check tells besides its outcome: `record.capability(...)`, `record.metric(...)`, `record.series(...)`."""
    return BEGUN[0]  # not by pytest's `request`, which takes longer to make than many a check


@pytest.hookimpl(tryfirst=True)
def pytest_warning_recorded(warning_message: warnings.WarningMessage) -> None:
    """In the process that knows what is secret; xdist carries warnings to one that may not."""
    told = warning_message.message
    if isinstance(told, Warning):
        told.args = tuple(redact.hide(part) if isinstance(part, str) else part for part in told.args)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None]:
    """An xdist worker hands its plan to the controller, which collects nothing itself; JUnit's file is done then."""
    config = session.config
    if hasattr(config, ON_WORKER):
        config.workeroutput["seatrial_plan"] = config.stash[PLAN]  # type: ignore[attr-defined]
    timings = keep_timings(config)
    yield
    if timings and timings.is_file():
        redact.clean_file(timings)
    junit = getattr(config.option, "xmlpath", None)
    if junit and config.pluginmanager.has_plugin("seatrial-controller") and Path(junit).is_file():
        redact.clean_file(Path(junit))


def keep_timings(config: pytest.Config) -> Path | None:
    """Has pytest-benchmark write every round that it ran beside the records, unless it writes elsewhere anyway.

    The table that it prints stays away: the report has these numbers.
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
    """What is wrong with an option is told with paths and values in it."""
    try:
        return (yield)
    except pytest.UsageError as error:
        redact.notice()
        error.args = tuple(redact.hide(str(part)) for part in error.args)
        raise
