"""Secrets and home directories reach no artefact and no terminal, wherever they come from."""

from __future__ import annotations

import json
import pprint
from pathlib import Path
from typing import Any

import pytest
from _pytest._io.pprint import PrettyPrinter
from _pytest.compat import ascii_escaped

from reports.directory import report_directory
from reports.records.schema import Writer
from reports.redaction import redact
from reports.redaction.redact import Secrets
from selftests.gallery.harness import copy
from selftests.gallery.registry import CHAT
from selftests.processes.pytest_run import QUIET, Finished, run_pytest
from selftests.reports import trials

HUB = "hf_" + "QwErTyUiOpAsDfGhJkLzXcVbNmQwErTyUi"
API = "s3cr3t/Value+with=odd&<chars>'\"\\end"
LATE = "set-while-the-check-ran-0123456789"
ENVIRONMENT = {
    "HF_TOKEN": HUB,
    "MY_API_KEY": API,
    "DATABASE_PASSWORD": "corrèct horse battery",
    "HOME": "/home/someone",
}


@pytest.fixture
def secrets() -> Secrets:
    found = Secrets()
    found.add(ENVIRONMENT)
    return found


@pytest.mark.parametrize("value", [HUB, API, ENVIRONMENT["DATABASE_PASSWORD"]])
@pytest.mark.parametrize("written", [str, repr, json.dumps, lambda value: f"x{value}y", lambda value: f"a {value!r} b"])
def test_a_secret_is_hidden_however_it_is_written(secrets: Secrets, value: str, written: object) -> None:
    """As text, as Python's or JSON's literal, in the middle of a word."""
    text = written(value)  # type: ignore[operator]
    assert secrets.suspicious(text)
    assert value not in (shown := secrets.redacted(text))
    assert value[3:9] not in shown
    assert "hidden]" in shown


def test_a_token_of_the_hub_needs_no_environment() -> None:
    """Its shape is enough; names that only begin like one stay."""
    secrets = Secrets()
    assert secrets.redacted(f"Bearer {HUB}.") == "Bearer [Hub token hidden]."
    assert secrets.redacted("hf_hub_download hf_transfer hf_quantizer") == "hf_hub_download hf_transfer hf_quantizer"
    assert secrets.redacted("https://me:pass@host/x") == "https://[password hidden]@host/x"
    assert secrets.redacted("https://host/a:b@c http://x/?q=a@b") == "https://host/a:b@c http://x/?q=a@b"


@pytest.mark.parametrize(
    "text", [f"{API[:20]}...tail", f"head...{API[-20:]}", f"clipped: {API[:14]}", f"{API[:15]}… (9)"]
)
def test_half_a_secret_is_hidden_where_a_text_was_cut(secrets: Secrets, text: str) -> None:
    """pytest shortens long values in their middle, checks clip messages at their end."""
    assert API[:12] not in secrets.redacted(text)
    assert API[-12:] not in secrets.redacted(text)


@pytest.mark.parametrize("shown", [6, 8, 11, 13])
def test_a_few_letters_before_an_ellipsis_are_hidden_too(secrets: Secrets, shown: int) -> None:
    """`repr` and pytest cut texts with an ellipsis."""
    assert API[:6] not in secrets.redacted(f"'{API[:shown]}...{API[-shown:]}'")
    assert API[-6:] not in secrets.redacted(f"'{API[:shown]}...{API[-shown:]}'")
    assert secrets.redacted("s3cr3t without more, and s3cr... of something") == (
        "s3cr3t without more, and s3cr... of something"
    )


PASSPHRASE = 'It\'s the "correct" horse, and bäckup\\battery staple over-many-lines 🦊 s3cr3t'


@pytest.mark.parametrize("written", [ascii, lambda value: repr(value.encode()), ascii_escaped, json.dumps, repr])
@pytest.mark.parametrize("value", ["pässwörtlich-geheim", "κλειδί🦊κλειδί", PASSPHRASE])
def test_a_secret_in_other_letters_is_hidden_as_pytest_writes_it(value: str, written: Any) -> None:
    """Test ids are in ASCII; bytes have a spelling of their own; both may be in JSON."""
    secrets = Secrets()
    secrets.add({"MY_PASSWORD": value})
    for text in (f"test_x[{written(value)}]", json.dumps({"id": written(value)})):
        assert secrets.suspicious(text)
        assert written(value)[2:12] not in secrets.redacted(text)
        assert "[MY_PASSWORD hidden]" in secrets.redacted(text)


@pytest.mark.parametrize("width", [20, 40, 79])
@pytest.mark.parametrize("form", [str, str.encode])
@pytest.mark.parametrize("value", [PASSPHRASE, "correct horse battery staple and so on, for many words to come"])
def test_a_passphrase_that_was_broken_over_lines_is_hidden(value: str, form: Any, width: int) -> None:
    """pprint breaks lines where pytest shows locals and differences; nothing around the secret is lost."""
    secrets = Secrets()
    secrets.add({"MY_PASSPHRASE": value})
    for text in (
        PrettyPrinter(width=width).pformat({"before": 1, "it": [form(value)], "later": "some 'other' text\n" * 3}),
        pprint.pformat({"before": 1, "it": [form(f"x {value} y")], "later": 2}, width=width, sort_dicts=False),
    ):
        for each in (text, text.replace("\n", "\nE     "), json.loads(json.dumps(text))):
            assert secrets.suspicious(json.dumps(each))
            shown = secrets.redacted(each)
            assert not any(word in shown for word in ("horse", "battery", "staple", "hors", "stap")), shown
            assert "[MY_PASSPHRASE hidden]" in shown
            assert "before" in shown
            assert "later" in shown


def test_lines_of_a_traceback_are_looked_at_together() -> None:
    """pytest keeps the lines of locals apart, also those of one wrapped text."""
    redact.SECRETS.add({"A_PASSPHRASE": "violet umbrellas never sing at noon"})
    lines = ["x = {'a': 'violet umbrellas '", "          'never sing '", "          'at noon'}", "y = 1"]
    assert redact._redacted_traceback(lines) == ["x = {'a': '[A_PASSPHRASE hidden]'}", "y = 1"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TOKENIZERS_PARALLELISM", "false"),
        ("API_KEY", "1234"),
        ("MY_TOKEN_LIMIT", "100,000,000"),
        ("SECRET", "production"),
        ("SECRET_MODE", "Disabled"),
        ("KEY_FILE", __file__),
        ("EDITOR", "a-value-of-an-ordinary-name"),
        ("DB_PASSWORD", "password"),
    ],
)
def test_ordinary_values_are_no_secrets(name: str, value: str) -> None:
    """Hiding them would eat the text of the report."""
    secrets = Secrets()
    secrets.add({name: value})
    assert secrets.redacted(f"The value {value} is shown.") == f"The value {value} is shown."


def test_a_word_is_hidden_as_a_word_only() -> None:
    """A weak password must not cut longer words to pieces."""
    secrets = Secrets()
    secrets.add({"MY_PASSWORD": "swordfish"})
    assert secrets.redacted("swordfish, swordfishes") == "[MY_PASSWORD hidden], swordfishes"
    assert secrets.redacted("test_swordfish_2 swordfish9") == "test_[MY_PASSWORD hidden]_2 [MY_PASSWORD hidden]9"


@pytest.mark.parametrize("value", ["QwErTyUiOp", "swordfishswordfish", "sWordfish"])
def test_letters_that_are_no_word_are_hidden_in_longer_words_too(value: str) -> None:
    secrets = Secrets()
    secrets.add({"MY_PASSWORD": value})
    assert secrets.redacted(f"x{value}y") == "x[MY_PASSWORD hidden]y"


def test_home_directories_become_a_tilde(secrets: Secrets) -> None:
    """Only whole names of directories count; the root directory is no home."""
    message = "/home/someone/models --model=/home/someone '/home/someone' /home/someone2/x /data/home/someone.txt file:///home/someone/x"
    assert secrets.redacted(message) == "~/models --model=~ '~' /home/someone2/x /data/home/someone.txt file://~/x"
    root = Secrets()
    root.add({"HOME": "/"})
    assert root.redacted("/usr/lib / 2") == "/usr/lib / 2"


def test_what_was_seen_once_stays_secret(secrets: Secrets) -> None:
    """A check's environment is undone before the report is written."""
    secrets.add({"OTHER_TOKEN": LATE})
    secrets.add(ENVIRONMENT)
    assert LATE not in secrets.redacted(LATE)


def test_old_records_are_cleaned_when_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory of another version, rebuilt here, holds no more than a new one."""
    monkeypatch.setattr(redact, "SECRETS", Secrets())
    defect = trials.check("tokenizers/round-trip", "defect", summary=f"Sent {HUB}", evidence={HUB: [HUB]})
    out = Writer(tmp_path / report_directory.RECORDS)
    for line in (trials.run(), trials.subject(), defect):
        out.write(line)
    out.close()
    change = {"kind": "newly failing", "check": "a/b", "subject": "s", "summary": HUB, "before": {}, "after": {}}
    report_directory.write(tmp_path, report_directory.load(tmp_path), [change])
    for name in (report_directory.VERDICT, report_directory.HTML, report_directory.MARKDOWN):
        assert HUB not in (tmp_path / name).read_text(encoding="utf-8")


SABOTEUR = """
import os, sys, warnings, logging
import pytest

TOKEN, KEY = os.environ["HF_TOKEN"], os.environ["MY_API_KEY"]
LATE = "EULAV-ETAL"[::-1]

@pytest.fixture(autouse=True)
def told(request, monkeypatch):
    monkeypatch.setenv("LATE_SECRET", LATE)
    print("printed", TOKEN, KEY)
    print("printed", TOKEN, KEY, file=sys.stderr)
    logging.getLogger("x").error("logged %s %s", TOKEN, KEY)
    warnings.warn(f"warned {TOKEN} {KEY} {LATE}")
    yield
    record = request.node.stash.get(__import__("reports.plugin").plugin.RUNNING_CHECK, None)
    if record is not None:
        record.capability("chat." + TOKEN, KEY, evidence={KEY: [TOKEN, LATE]})
        record.fix = f"{os.environ['HOME']}/model {TOKEN} {KEY}"

@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    yield
    token, key, late = TOKEN, KEY, LATE
    environment = dict(os.environ)
    kind = sum(map(ord, pyfuncitem.name)) % 4
    if kind == 0:
        from suites.findings import Defect
        raise Defect(f"sent {token} {key} {late}")
    if kind == 1:
        raise RuntimeError(f"401 for {token} {key} {late} in {os.environ['HOME']}/x")
    if kind == 2:
        from suites.findings import Hazard
        raise Hazard(f"said {token}", evidence={"all": environment, key: late})
    if kind == 3:
        pytest.skip(f"no {token} {key} {late}")

def pytest_report_header():
    return f"header {TOKEN} {KEY}"

def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"summary {TOKEN} {KEY}")
""".replace("EULAV-ETAL", LATE[::-1])


@pytest.fixture(scope="module", params=[(), ("-n1",)], ids=["one process", "xdist"])
def done(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A run that meets secrets everywhere: environment, locals, output, warnings, log, command line, evidence."""
    directory = tmp_path_factory.mktemp("home")
    (directory / "saboteur.py").write_text(SABOTEUR, encoding="utf-8")
    options = [*QUIET, "-p", "saboteur", "--showlocals", "-rA", "-o", "log_cli=true", "-k", "text and chat_templates"]
    options += [f"--model={copy(CHAT, directory / 'model')}", f"--junitxml={directory / 'junit.xml'}"]
    options += ["-o", f"log_file={directory / 'log.txt'}"]
    options += [f"--save-baseline={directory / 'baseline.json'}", "-o", f"junit_suite_name={HUB}", *request.param]
    env = {"PYTHONPATH": str(directory), "HOME": str(directory), "HF_TOKEN": HUB, "MY_API_KEY": API}
    return run_pytest(*options, report=directory / "report", env=env)


def test_no_way_in_leads_to_an_artefact(done: Finished) -> None:
    """Neither the secrets nor the home directory are in any file that the run wrote, nor in the terminal."""
    directory = done.report.parent
    written = [*done.report.iterdir(), directory / "junit.xml", directory / "baseline.json", directory / "log.txt"]
    outputs = {path.name: path.read_text(encoding="utf-8") for path in written if path.is_file()}
    assert {"records.jsonl", "verdict.json", "report.html", "report.md", "junit.xml", "log.txt"} <= outputs.keys()
    for name, text in (outputs | {"terminal": done.output}).items():
        assert "hidden" in text, name
        for secret in (HUB, HUB[3:20], LATE, "s3cr3t/Value", "s3cr3t%2FValue"):
            assert secret not in text, (name, text[max(0, text.index(secret) - 300) :][:400])
        assert str(directory) not in text, (name, text[max(0, text.index(str(directory)) - 300) :][:400])


def test_every_kind_of_outcome_was_met(done: Finished) -> None:
    """The run above had each outcome."""
    counts = done.verdict["subjects"][0]["counts"]
    assert all(counts[outcome] for outcome in ("defect", "hazard", "unsupported", "error")), counts
