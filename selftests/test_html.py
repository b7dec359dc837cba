"""The HTML report, as text and in a real browser: readable by everyone, and never run by what it shows."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import unicodedata
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports import directory, html
from reports.records import Json, Trial
from reports.verdict import judge
from selftests import trials

ATTACKS = (
    "<script>document.title='owned'</script>",
    "</style><script>document.title='owned'</script>",
    "</title></textarea></pre><img src=x onerror=\"document.title='owned'\">",
    "\"'><svg/onload=document.title='owned'>",
    "javascript:document.title='owned'",
    "https://evil.example/\"onmouseover=\"document.title='owned'",
    "`<iframe srcdoc='<script>top.document.title=1</script>'>`",
    "{{ 7*7 }}{% for x in (1).__class__.__mro__ %}{% endfor %}",
    "<!-- --><base href=https://evil.example/><meta http-equiv=refresh content=0;url=https://evil.example/>",
    "<link rel=stylesheet href=https://evil.example/x.css><style>*{display:none}</style>",
    "\u202egnp.exe\u202c \u2066\u2069\u200b\u00ad\x00\x1b[31m\u0085\u2028\ud800\ufeff",
    "<form action=https://evil.example/><button>go</button><details open ontoggle=document.title='owned'>",
)
PROSE = {"span", "a", "code", "pre"}
"""Elements that our own formatting makes of text: escapes, addresses, backticks, blocks."""

REQUIRE = "SEATRIAL_REQUIRE_BROWSER"
MODES = [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")]
SAMPLES = {
    name: getattr(trials, name) for name in ("healthy", "conditional", "rejected", "killed", "unloadable", "several")
}


def render(trial: Trial, regressions: list[Json] | None = None) -> str:
    return html.render(trial, judge(trial, regressions or []), regressions or [])


def filled(text: str) -> tuple[Trial, list[Json]]:
    """A trial and baseline changes in which every text is `text`, wherever a model, a file or a user may write one."""
    where: Json = {"variant": {"dtype": text}, "parameters": {text: text}, "subject": text}
    notes: Json = {"summary": text, "evidence": {text: text, "list": [text, {text: [text]}]}, "reproduce": text}
    proof = {text: {"value": text, "evidence": text}}
    metric = trials.metric(text, unit=text, better=text)
    checks = [
        trials.check(f"{text}/{text}", outcome, capabilities=proof, metrics=[metric], details=text, **where, **notes)
        for outcome in ("defect", "hazard", "unsupported", "error", "pass")
    ]
    subjects = [
        trials.subject(
            text,
            revision=text,
            fingerprint=text,
            architecture=text,
            facts={text: text, "tasks": [text], "more": {text: text}, "notes": [text]},
            problems=[{"file": text, "summary": text, "remedy": text}],
            accepted={f"{text}/{text}": text},
        )
    ]
    table = {text: text}
    trial = trials.trial(*checks, subjects=subjects, command=text, versions=table, environment=table, options=table)
    trial.run = dataclasses.replace(trial.run, profile=text, device=text, started=text)
    trial.catalog = {f"{text}/{text}": dict.fromkeys(("promise", "why", "fix", "source"), text)}
    trial.plan.append({"check": text, "subject": text, "variant": {}, "parameters": {}})
    change = {"kind": text, "check": text, "subject": text, "summary": text, "before": table, "after": [text]}
    return trial, [change]


class Tags(HTMLParser):
    """Elements and attributes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(name, value or "") for name, value in attributes]


def structure(page: str) -> dict[str, int]:
    return {tag: many for tag, many in Tags(page).tags.items() if tag not in PROSE}


PLAIN = structure(render(*filled("plain")))


@settings(deadline=None, max_examples=60)
@given(st.text(st.characters(codec=None), min_size=1, max_size=40).map(str.strip).filter(bool))
def test_no_text_adds_an_element_or_hides_a_character(text: str) -> None:
    """Whatever is written anywhere, the page has the same elements, and shows what reorders or hides."""
    page = render(*filled(text))
    assert structure(page) == PLAIN
    assert not {character for character in set(page) if unicodedata.category(character) in ("Cc", "Cf", "Cs")} - set(
        "\n\t"
    )
    page.encode()


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_stay_text(attack: str) -> None:
    """No element, no event handler, no scheme but http in a link, no style."""
    parsed = Tags(render(*filled(attack)))
    assert {tag: many for tag, many in parsed.tags.items() if tag not in PROSE} == PLAIN
    assert not [name for name, _ in parsed.attributes if name.startswith("on") or name == "style"]
    links = [value for name, value in parsed.attributes if name == "href"]
    assert all(re.match(r"#|https?://|verdict\.json$|records\.jsonl$", link) for link in links)


def test_the_page_is_one_file_with_a_strict_policy() -> None:
    """No script, no import, no address that a browser would fetch by itself."""
    page = render(trials.several())
    parsed = Tags(page)
    policy = next(value for name, value in parsed.attributes if value.startswith("default-src"))
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert not parsed.tags.keys() & {"script", "img", "link", "iframe", "object", "form", "base"}
    assert "@import" not in page
    assert "url(" not in page


def test_sections_come_in_the_order_of_a_decision() -> None:
    """Verdict, changes, findings, capabilities, metrics, environment, checks, unsupported, errors."""
    trial = trials.several()
    page = render(trial, [{"kind": "note", "check": "", "summary": "x", "before": 1, "after": 2}])
    ids = ["top", "changes", "findings", "capabilities", "metrics", "environment", "checks", "unsupported", "errors"]
    places = [page.index(f'id="{name}"') for name in ids]
    assert places == sorted(places)


def test_a_finding_tells_everything_needed_to_mend_it() -> None:
    """Summary, evidence, remedy, promise, why, source and command; invisible characters by code point."""
    page = render(trials.rejected())
    assert "RIGHT-TO-LEFT MARK" in page
    page = re.sub(r"</?span[^>]*>", "", page)
    said = trials.CATALOG["tokenizers/round-trip"]
    for text in (
        said["promise"],
        said["why"],
        said["source"],
        "U+200F",
        "-k round-trip --seed 0",
    ):
        assert text in page


def test_what_is_too_much_is_counted_not_dropped() -> None:
    """A thousand findings and a megabyte of evidence stay readable, and the page says where the rest is."""
    huge = dataclasses.replace(trials.hazard(), evidence={"log": "line\n" * 200_000}, summary="first")
    many = [dataclasses.replace(trials.hazard(), summary=f"finding {index}") for index in range(1_000)]
    page = render(trials.trial(huge, *many))
    assert len(page) < 2_000_000
    assert "more characters" in page
    assert "601 more findings" in page


def test_twenty_thousand_records_stay_small() -> None:
    """Under 15 MB; `benchmarks/report_size.py` measures time and memory too."""
    checks = [
        trials.check(f"tokenizers/check-{index}", subject=f"model-{number}", variant=trials.CPU)
        for number in range(20)
        for index in range(1_000)
    ]
    assert len(render(trials.trial(*checks, subjects=[trials.subject(f"model-{n}") for n in range(20)]))) < 15e6


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium; without one these tests are skipped, unless the environment requires it."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None and not os.environ.get(REQUIRE):
        pytest.skip(f"no Chromium on this machine; {REQUIRE}=1 makes that a failure")
    assert chromium, f"{REQUIRE} is set and there is no Chromium on the PATH"
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        running = playwright.chromium.launch(executable_path=chromium, args=flags)
        yield running
        running.close()


class Opened:
    """A page in the browser with all that it asked for and said."""

    def __init__(self, browser: Any, path: Path, width: int = 1280, scheme: str = "light") -> None:
        self.page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        self.requests: list[str] = []
        self.said: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: self.said.append(dialog.message))
        self.page.goto(path.as_uri())

    def __enter__(self) -> Opened:
        return self

    def __exit__(self, *_: object) -> None:
        self.page.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Writes a sample's report once."""
    root = tmp_path_factory.mktemp("reports")

    def write(name: str) -> Path:
        path = root / name / directory.HTML
        if not path.exists():
            directory.write(path.parent, SAMPLES[name]())
        return path

    return write


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize(("width", "scheme"), MODES)
def test_every_report_is_accessible_and_fits(browser: Any, report: Any, name: str, width: int, scheme: str) -> None:
    """No violation of WCAG 2.2 AA that axe-core can see (contrast included), no page-wide scrolling, no request."""
    from axe_playwright_python.sync_playwright import Axe

    with Opened(browser, report(name), width, scheme) as opened:
        size = opened.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert size[0] <= size[1]
        assert len(opened.requests) == 1
        assert not opened.said
        options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
        violations = Axe().run(opened.page, options=options).response["violations"]
        assert not violations, json.dumps(
            [(found["id"], [node["html"] for node in found["nodes"]][:3]) for found in violations], indent=1
        )


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_do_nothing_in_a_browser(browser: Any, tmp_path: Path, attack: str) -> None:
    """No script ran, nothing was fetched, the policy refused nothing because nothing tried; the page still fits."""
    trial, changes = filled(attack)
    directory.write(tmp_path, trial, changes)
    with Opened(browser, tmp_path / directory.HTML, 360) as opened:
        page = opened.page
        assert page.title() != "owned"
        assert not opened.said
        assert len(opened.requests) == 1
        assert page.evaluate("document.querySelectorAll('script, img, iframe, base, form, link').length") == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert page.evaluate("getComputedStyle(document.querySelector('h1')).display") == "block"


def test_long_words_never_widen_the_page(browser: Any, tmp_path: Path) -> None:
    """Ids, paths and commands without a space wrap or scroll in their own box."""
    trial, changes = filled("a" * 400)
    directory.write(tmp_path, trial, changes)
    for width in (360, 1280):
        with Opened(browser, tmp_path / directory.HTML, width) as opened:
            assert opened.page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_keyboard_reaches_everything(browser: Any, report: Any) -> None:
    """The skip link comes first, and each suite opens and closes with Enter."""
    with Opened(browser, report("rejected")) as opened:
        page = opened.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.focus("details.suite > summary")
        page.keyboard.press("Enter")
        assert page.evaluate("document.querySelector('details.suite').open") is False


def test_the_reproduce_command_is_copied_as_it_is(browser: Any, report: Any) -> None:
    """What a selection of the wrapped command holds is the command."""
    script = "code => { getSelection().selectAllChildren(code); return getSelection().toString() }"
    with Opened(browser, report("rejected"), 360) as opened:
        copied = opened.page.eval_on_selector(".finding .run code", script)
    assert copied == trials.defect().reproduce


def test_printed_pages_cut_nothing_off(browser: Any, report: Any) -> None:
    """On paper nobody can scroll: A4 at 96 dots per inch is 794 wide."""
    for name in SAMPLES:
        with Opened(browser, report(name), 794) as opened:
            opened.page.emulate_media(media="print")
            assert opened.page.evaluate("document.documentElement.scrollWidth") <= 794


def test_headings_are_in_order(browser: Any, report: Any) -> None:
    """One h1, and no level is skipped."""
    for name in SAMPLES:
        with Opened(browser, report(name)) as opened:
            script = "[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => +h.tagName[1])"
            levels = opened.page.evaluate(script)
        assert levels[0] == 1
        assert levels.count(1) == 1
        assert all(after <= before + 1 for before, after in pairwise(levels))
