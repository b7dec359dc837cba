"""The next subject is begun in the middle of the one before, and only where that can be done."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.files.source import parse
from fixtures.sandbox import inspection
from fixtures.session import prefetch
from fixtures.session.prefetch import Ahead
from fixtures.subjects.subject import Subject


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was begun, in its order."""
    seen: list[str] = []
    monkeypatch.setattr(inspection, "begin", lambda text: seen.append(f"inspect {text}"))
    monkeypatch.setattr(prefetch, "STEPS", [])
    prefetch.begins(1)(lambda text: seen.append(f"end {text}"))
    prefetch.begins(0.6)(lambda text: seen.append(f"begin {text}"))
    return seen


def template(folder: Path, name: str, text: str) -> Subject:
    path = folder / f"{name}.jinja"
    path.write_text(text, encoding="utf-8")
    return Subject(name, parse(str(path), builtins=()))


def test_the_next_templates_are_begun_before_their_first_checks(begun: list[str], tmp_path: Path) -> None:
    one, two, three = (template(tmp_path, name, name) for name in ("one", "two", "three"))
    checks = [one] * 10 + [two] * 10 + [three] * 10
    following = Ahead(checks)
    told = {}
    for number, subject in enumerate(checks, start=1):
        before = len(begun)
        following.done(subject)
        told[number] = begun[before:]
    assert {number: steps for number, steps in told.items() if steps} == {
        1: ["inspect two"],
        4: ["inspect three"],
        6: ["begin two"],
        10: ["end two"],
        16: ["begin three"],
        20: ["end three"],
    }


def test_a_template_that_does_not_end_is_begun_nowhere_else(begun: list[str], tmp_path: Path) -> None:
    one = template(tmp_path, "one", "1")
    two = template(tmp_path, "two", "{% macro f(n) %}{{ f(n) }}{% endmacro %}{{ f(1) }}")
    Ahead([one, two]).done(one)
    assert {each.split()[0] for each in begun} == {"inspect"}


def test_what_cannot_be_read_is_left_to_its_checks(begun: list[str], tmp_path: Path) -> None:
    one, two = template(tmp_path, "one", "1"), template(tmp_path, "two", "")
    Ahead([one, two]).done(one)
    assert begun == []


def test_nothing_is_begun_where_the_order_is_not_known(begun: list[str], tmp_path: Path) -> None:
    """As in the workers of a parallel run."""
    Ahead(()).done(template(tmp_path, "one", "1"))
    assert begun == []
