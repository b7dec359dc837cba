"""Templates that may run away are tried in advance with what earlier ones were asked about."""

from __future__ import annotations

from typing import Any

import pytest

from fixtures.sandbox import rehearsal
from fixtures.sandbox.client import CLIENT
from fixtures.sandbox.inspection import inspect
from fixtures.sandbox.rehearsal import begin, excess

SAY = "{% macro say(n) %}{{ say(n - 1) if n else '' }}{% endmacro %}{{ say(2) }}"
"""Calls itself, so that nothing tells from the text alone that it ends."""
TRAP = SAY + "{% if messages[-1].content == 'now' %}{{ say(10 ** 9) }}{% endif %}"


@pytest.fixture(autouse=True)
def nothing_asked_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "ASKED", {})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many renders the helper was asked for at a time."""
    seen: list[int] = []
    ask = CLIENT.ask

    def watching(template: str, renders: list[Any], **options: Any) -> Any:
        seen.append(len(renders))
        return ask(template, renders, **options)

    monkeypatch.setattr(CLIENT, "ask", watching)
    return seen


def said(content: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": content}]}


def test_what_was_asked_before_is_tried_together(asked: list[int]) -> None:
    words = ("one", "two", "three")
    first, second = f"{SAY}first", f"{SAY}second"
    assert not any(excess(first, said(word)) for word in words)
    begin(second)
    asked.clear()
    assert not any(excess(second, said(word)) for word in words)
    assert asked == [3]
    assert excess(second, said("four")) is None
    assert asked == [3, 1]


def test_a_trap_that_was_met_in_advance_is_told_where_it_is_asked_for() -> None:
    """What another template was asked about may never be asked of this one."""
    for word in ("fine", "now", "later"):
        assert excess(SAY, said(word)) is None
    begin(TRAP)
    assert excess(TRAP, said("fine")) is None
    assert inspect(TRAP).broken is None
    assert "stopped in the sandbox" in str(excess(TRAP, said("now")))
    assert excess(TRAP, said("later"))  # a template that ran away once is rendered no more


def test_a_template_that_cannot_run_away_is_not_tried(asked: list[int]) -> None:
    assert excess(SAY, said("one")) is None
    plain = "{{ messages[0].content }}"
    inspect(plain)
    asked.clear()
    begin(plain)
    assert excess(plain, said("one")) is None
    assert asked == []


def test_only_so_many_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rehearsal, "MOST", 2)
    for word in ("one", "two", "three"):
        excess(SAY, said(word))
    assert [render["variables"]["messages"][0]["content"] for render in rehearsal.ASKED.values()] == ["two", "three"]
