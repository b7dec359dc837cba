"""The HTML report as text: complete, and never changed by what it shows."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports import html
from reports.html import plots
from reports.records.run_records import RunRecords
from reports.records.to_json import Json
from reports.verdict.judge import judge
from selftests.reports import measured_trials, trials
from selftests.reports.hostile_trial import ATTACKS, KEYS, filled

PROSE = {"span", "a", "code", "pre", "wbr"}
"""Elements that our own formatting makes of text: escapes, addresses, backticks, blocks, line breaks."""

DRAWN = {"g", "use", "text", "path", "defs", "clippath", "rect"}
"""Elements of plots: how many ticks an axis has, follows from how long its labels are."""


LABELS = ("aria-labelledby", "aria-describedby")


def render(trial: RunRecords, regressions: list[Json] | None = None) -> str:
    return html.render(trial, judge(trial, regressions or []), regressions or [])


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
    return {tag: many for tag, many in Tags(page).tags.items() if tag not in PROSE | DRAWN}


PLAIN = structure(render(*filled("plain")))


@settings(deadline=None, max_examples=20)
@given(
    st.text(st.characters(codec=None), min_size=1, max_size=40)
    .map(str.strip)
    .filter(lambda text: text and text not in KEYS)
)
def test_no_text_adds_an_element_or_hides_a_character(text: str) -> None:
    """Any text anywhere leaves the elements of the page as they are; invisible characters are written out."""
    page = render(*filled(text))
    assert structure(page) == PLAIN
    assert not {character for character in set(page) if unicodedata.category(character) in ("Cc", "Cf", "Cs")} - set(
        "\n\t"
    )
    page.encode()


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_stay_text(attack: str) -> None:
    """No element, no event handler, no scheme but http in a link, no style."""
    parsed = Tags(page := render(*filled(attack)))
    assert structure(page) == PLAIN
    assert not [name for name, _ in parsed.attributes if name.startswith("on") or name == "style"]
    links = [value for name, value in parsed.attributes if name in ("href", "src", "xlink:href")]
    own = r"#|https?://|verdict\.json$|records\.jsonl$|report\.md$|data:image/png;base64,[A-Za-z0-9+/=]*$"
    assert all(re.match(own, link) for link in links)


def test_the_page_is_one_file_with_a_strict_policy() -> None:
    """One script, our own by its hash; no import, no address that a browser would fetch by itself, no inline style."""
    page = render(measured_trials.several())
    parsed = Tags(page)
    policy = next(value for name, value in parsed.attributes if value.startswith("default-src"))
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "; script-src 'sha256-" in policy
    assert "unsafe" not in policy
    assert parsed.tags["script"] == 1
    assert not parsed.tags.keys() & {"link", "iframe", "object", "form", "base", "foreignObject"}
    assert not [name for name, _ in parsed.attributes if name == "style"]
    assert "@import" not in page
    assert set(re.findall(r"url\((.)", page)) <= {"#"}


@pytest.mark.parametrize("sample", [measured_trials.quantized, measured_trials.several, trials.several])
def test_ids_are_unique_and_links_lead_somewhere(sample: Callable[[], RunRecords]) -> None:
    """Several plots share a page, and the contents name sections that are there."""
    parsed = Tags(render(sample()))
    ids = [value for name, value in parsed.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    wanted = {value[1:] for name, value in parsed.attributes if name == "href" and value.startswith("#")}
    wanted |= {
        value
        for name, text in parsed.attributes
        if name.startswith("aria-")
        for value in text.split()
        if name in LABELS
    }
    assert wanted <= set(ids)


def test_sections_come_in_the_order_of_a_decision() -> None:
    """Verdict, uses, variants; changes, what to do, findings; what was measured; every check; what is unknown."""
    trial = measured_trials.quantized()
    trial.checks += [trials.unsupported(), trials.error(), dataclasses.replace(trials.hazard(), about="library")]
    page = render(trial, [{"kind": "note", "check": "", "summary": "x", "before": 1, "after": 2}])
    ids = "top uses variants changes next findings stack capabilities plots pipelines languages answers metrics checks"
    ids += " slowest unsupported errors environment"
    positions = [page.index(f'id="{name}"') for name in ids.split()]
    assert positions == sorted(positions)


def test_a_finding_shows_everything_needed_to_fix_it() -> None:
    """Summary, evidence, fix, promise, why, source and command; invisible characters by code point."""
    page = render(trials.rejected())
    assert "RIGHT-TO-LEFT MARK" in page
    page = re.sub(r"</?span[^>]*>", "", page)
    documented = trials.CATALOG["tokenizers/round-trip"]
    for text in (
        documented["promise"],
        documented["why"],
        documented["source"],
        "U+200F",
        "-k round-trip --seed 0",
    ):
        assert text in page


def test_without_matplotlib_the_numbers_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """The page names the missing package."""
    drawn = Tags(render(measured_trials.quantized())).tags
    monkeypatch.setattr(plots, "find_spec", lambda name: None)
    page = render(measured_trials.quantized())
    assert "matplotlib is not installed" in page
    assert Tags(page).tags["svg"] < drawn["svg"]
    assert "layers.4" in page


def test_nothing_is_drawn_where_nothing_was_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page without plots does not load what draws them."""
    monkeypatch.setattr(plots, "_drawn", pytest.fail)
    assert 'id="plots"' not in render(trials.rejected())


@pytest.mark.parametrize("points", [[[0, 1e308], [1, -1e308]], [[5, 5]], [[0, 0], [1, 0]], [[1e-320, 1e-320]] * 2])
@pytest.mark.parametrize("kind", ["line", "bar", "points"])
def test_odd_numbers_are_drawn_or_listed(points: list[list[float]], kind: str) -> None:
    """At the edge of what an axis can hold, the page is written all the same."""
    check = trials.check("quality/x", series=[measured_trials.series("quality.x", kind, points)])
    assert 'id="plots"' in render(trials.trial(check))


def test_what_is_too_much_is_counted_not_dropped() -> None:
    """A page with a thousand findings or a megabyte of evidence stays readable, and names the file with the rest."""
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
