"""The HTML report as text: complete, and never changed by what it shows."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections import Counter
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports import html
from reports.records import Json, Trial
from reports.verdict import judge
from selftests import trials
from selftests.pages import ATTACKS, KEYS, filled

PROSE = {"span", "a", "code", "pre"}
"""Elements that our own formatting makes of text: escapes, addresses, backticks, blocks."""


def render(trial: Trial, regressions: list[Json] | None = None) -> str:
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
    return {tag: many for tag, many in Tags(page).tags.items() if tag not in PROSE}


PLAIN = structure(render(*filled("plain")))


@settings(deadline=None, max_examples=60)
@given(
    st.text(st.characters(codec=None), min_size=1, max_size=40)
    .map(str.strip)
    .filter(lambda text: text and text not in KEYS)
)
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
