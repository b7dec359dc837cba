"""The HTML report in a real browser: accessible, and never run by what it shows."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from reports.directory import report_directory
from selftests.reports import measured_trials, trials
from selftests.reports.hostile_trial import ATTACKS, filled

REQUIRE = "SEATRIAL_REQUIRE_BROWSER"
MODES = [(1280, "light"), (1280, "dark"), (360, "light"), (360, "dark")]
SAMPLES = {
    name: getattr(trials, name) for name in ("healthy", "conditional", "rejected", "killed", "unloadable", "several")
} | {"quantized": measured_trials.quantized, "two": measured_trials.several}


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
    """A page in the browser with its requests and messages."""

    def __init__(self, browser: Any, path: Path, width: int = 1280, scheme: str = "light") -> None:
        self.page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        self.requests: list[str] = []
        self.messages: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", lambda message: self.messages.append(message.text))
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))
        self.page.on("dialog", lambda dialog: self.messages.append(dialog.message))
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
        path = root / name / report_directory.HTML
        if not path.exists():
            report_directory.write(path.parent, SAMPLES[name]())
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
        assert not opened.messages
        options = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
        violations = Axe().run(opened.page, options=options).response["violations"]
        assert not violations, json.dumps(
            [(found["id"], [node["html"] for node in found["nodes"]][:3]) for found in violations], indent=1
        )


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_do_nothing_in_a_browser(browser: Any, tmp_path: Path, attack: str) -> None:
    """No script ran, nothing was fetched, the policy refused nothing because nothing tried; the page still fits."""
    trial, changes = filled(attack)
    report_directory.write(tmp_path, trial, changes)
    with Opened(browser, tmp_path / report_directory.HTML, 360) as opened:
        page = opened.page
        assert page.title() != "owned"
        assert not opened.messages
        assert len(opened.requests) == 1
        assert page.evaluate("document.querySelectorAll('script').length") == 1
        assert page.evaluate("document.querySelectorAll('iframe, base, form, link, foreignObject').length") == 0
        assert page.evaluate("document.querySelectorAll('img:not([src^=\"data:image/png;base64,\"])').length") == 0
        assert page.evaluate("[...document.querySelectorAll('*')].every(e => e.attributeStyleMap?.size !== 1)")
        _use_the_filter(page, attack)
        assert page.title() != "owned"
        assert not opened.messages
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert page.evaluate("getComputedStyle(document.querySelector('h1')).display") == "block"


def _until(page: Any, holds: str) -> None:
    """Waits for an expression; Playwright's own way is what the policy of the page forbids."""
    for _ in range(200):
        if page.evaluate(holds):
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"{holds} did not come true, the address is {page.url}")


def _use_the_filter(page: Any, text: str) -> None:
    """Types the text and chooses every entry of every menu: the script of the page must handle them."""
    page.fill(".filter input", text[:80])
    for menu in page.query_selector_all(".filter select"):
        for option in menu.query_selector_all("option")[1:]:
            menu.select_option(option.get_attribute("value"))
    _until(page, "location.hash.startsWith('#?q=')")


def test_long_words_never_widen_the_page(browser: Any, tmp_path: Path) -> None:
    """Ids, paths and commands without a space wrap or scroll in their own box."""
    trial, changes = filled("a" * 400)
    report_directory.write(tmp_path, trial, changes)
    for width in (360, 1280):
        with Opened(browser, tmp_path / report_directory.HTML, width) as opened:
            assert opened.page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_keyboard_reaches_everything(browser: Any, report: Any) -> None:
    """The skip link comes first, and each suite opens and closes with Enter."""
    with Opened(browser, report("rejected")) as opened:
        page = opened.page
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        page.focus("details[data-u] > summary")
        page.keyboard.press("Enter")
        assert page.evaluate("document.querySelector('details[data-u]').open") is False


SHOWN = "document.querySelectorAll('{}:not([hidden])').length"
FINDINGS, CHECKS = SHOWN.format(".occurrence[data-o]"), SHOWN.format("tr[data-o]")


def test_the_filter_shows_what_was_asked_for(browser: Any, report: Any) -> None:
    """Filters by word, outcome and suite; a screen reader gets the counts; the address has the state."""
    with Opened(browser, report("several")) as opened:
        page = opened.page
        before = page.evaluate(f"[{FINDINGS}, {CHECKS}]")
        page.fill(".filter input", "random numbers")
        _until(page, "location.hash === '#?q=random+numbers'")
        assert page.evaluate(FINDINGS) == 1
        assert page.evaluate(CHECKS) == 0
        assert page.inner_text("[role=status]").startswith(f"1 of {before[0]} findings and 0 of {before[1]} checks")
        page.click(".filter button")
        page.select_option(".filter [name=outcome]", "hazard")
        page.select_option(".filter [name=suite]", "chat_templates")
        _until(page, "location.hash.includes('suite=chat_templates')")
        assert page.evaluate(f"[{FINDINGS}, {CHECKS}]") == [2, 2]
        assert page.evaluate("document.querySelector('details[data-u=integrity]').hidden")
        address = page.url
    with Opened(browser, report("several")) as opened:
        opened.page.goto(address)
        opened.page.reload()
        assert opened.page.evaluate(f"[{FINDINGS}, {CHECKS}]") == [2, 2]
        opened.page.focus(".filter button")
        opened.page.keyboard.press("Enter")
        assert opened.page.evaluate(f"[{FINDINGS}, {CHECKS}]") == before
        assert opened.page.evaluate("document.activeElement.name") == "q"


def test_checks_are_sorted(browser: Any, report: Any) -> None:
    """Checks by name, time and outcome; tables by their columns."""
    first = "document.querySelector('details[data-u] tbody:not([hidden]) .head code').textContent"
    with Opened(browser, report("quantized")) as opened:
        page = opened.page
        ids = "[...document.querySelectorAll('details[data-u=generation] .head code')].map(c => c.textContent)"
        assert page.evaluate(first) == "chat_templates/system-role"
        assert page.evaluate(ids) == sorted(page.evaluate(ids))
        page.select_option(".filter [name=sort]", "time")
        _until(page, "location.hash === '#?sort=time'")
        assert page.evaluate(ids)[0] == "generation/greedy-deterministic"
        page.click("table.sortable thead th:last-child button")
        assert page.get_attribute("table.sortable thead th:last-child", "aria-sort") == "ascending"


def test_the_page_is_whole_without_javascript(browser: Any, report: Any) -> None:
    """Everything is there to read; what needs the script is not shown."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report("quantized").as_uri())
    assert not page.is_visible(".filter")
    assert not page.is_visible("text=Search, filter and sort")
    assert page.is_visible("text=The second run says something else.")
    assert page.locator("svg.drawn").count() == 4
    assert page.locator(".copy").count() == 0
    context.close()


def test_plots_follow_the_colour_scheme(browser: Any, report: Any) -> None:
    """Curves and texts have contrast to the card behind them, in light and in dark."""
    script = (
        "s => [getComputedStyle(document.querySelector(s)).stroke, getComputedStyle(document.body).backgroundColor]"
    )
    seen = set()
    for scheme in ("light", "dark"):
        with Opened(browser, report("quantized"), 1280, scheme) as opened:
            seen.add(tuple(opened.page.evaluate(script, "svg.drawn .k-0")))
            assert opened.page.locator("svg.drawn[role=img] > title").count() == 4
    assert len(seen) == 2


def test_pictures_are_seen(browser: Any, report: Any) -> None:
    """The policy allows a picture inside the page."""
    with Opened(browser, report("quantized")) as opened:
        assert opened.page.evaluate("document.querySelector('img.picture').naturalWidth") == 8


def test_the_reproduce_command_is_copied_as_it_is(browser: Any, report: Any) -> None:
    """Selecting the wrapped command selects the command."""
    script = "code => { getSelection().selectAllChildren(code); return getSelection().toString() }"
    with Opened(browser, report("rejected"), 360) as opened:
        copied = opened.page.eval_on_selector(".finding .run code", script)
    assert copied == trials.defect().reproduce


def test_printed_pages_cut_nothing_off(browser: Any, report: Any) -> None:
    """Paper does not scroll: A4 at 96 dots per inch is 794 wide."""
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
