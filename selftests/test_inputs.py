"""The strategies give what they promise, and reach what they are for."""

from __future__ import annotations

import unicodedata
from typing import Literal
from unicodedata import normalize

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from fixtures.inputs.conversations import CONTENTS, OPTIONAL, PLAIN, Message, contents, conversations
from fixtures.inputs.texts import CLUSTERS, LOOK_ALIKES, NASTY, SCRIPTS, texts
from fixtures.inputs.tools import ASK, CALL, CALL_AS_TEXT, CITY, DEGREES, RESULT, WEATHER

QUICK = settings(max_examples=2000, database=None, derandomize=True)
MORE = settings(QUICK, max_examples=10_000, phases=[Phase.generate])
"""For what is rare: found, not shrunk."""


@given(text=texts())
def test_texts_are_encodable(text: str) -> None:
    """No lone surrogate ever: every text is valid UTF-8."""
    assert text.encode().decode() == text


@pytest.mark.parametrize("script", SCRIPTS)
def test_texts_reach_every_script(script: str) -> None:
    """Each script of the catalogue is drawn within a moderate number of examples."""
    low, high = SCRIPTS[script]
    find(texts(), lambda text: any(low <= ord(character) <= high for character in text), settings=QUICK)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_texts_reach_both_normal_forms(form: Literal["NFC", "NFD"]) -> None:
    """Marks written apart and marks written as one character with their letter."""
    other: Literal["NFC", "NFD"] = "NFD" if form == "NFC" else "NFC"
    find(texts(), lambda text: unicodedata.is_normalized(form, text) and normalize(other, text) != text, settings=QUICK)


@pytest.mark.parametrize("piece", [*CLUSTERS, *LOOK_ALIKES], ids=ascii)
def test_texts_reach_clusters_and_look_alikes(piece: str) -> None:
    find(texts(), lambda text: piece in text, settings=MORE)


REACHED = {
    "a leading space": lambda text: text.startswith(" ") and bool(text.strip()),
    "a trailing space": lambda text: text.endswith(" ") and bool(text.strip()),
    "a run of spaces": lambda text: " " * 5 in text,
    "a run of lines": lambda text: "\n" * 4 in text,
    "NUL": lambda text: "\0" in text,
    "a byte order mark": lambda text: text.startswith("\ufeff"),
    "a no-break space": lambda text: "\u00a0" in text,
    "a long word": lambda text: max(map(len, text.split()), default=0) > 100,
    "three scripts": lambda text: sum(any(low <= ord(c) <= high for c in text) for low, high in SCRIPTS.values()) > 2,
}


@pytest.mark.parametrize("wanted", REACHED)
def test_texts_reach(wanted: str) -> None:
    find(texts(), REACHED[wanted], settings=MORE)


@pytest.mark.parametrize("size", [1, 3])
@given(data=st.data())
def test_texts_keep_their_sizes(size: int, data: st.DataObject) -> None:
    """At least `min_size` runs, so at least as many characters."""
    assert len(data.draw(texts(min_size=size), label="text")) >= size


def test_texts_shrink_to_nothing() -> None:
    """The simplest text is the empty one; a counterexample is not padded."""
    assert find(texts(), lambda text: True, settings=QUICK) == ""


def test_nasty_texts_hold_what_the_catalogue_promises() -> None:
    """Both normal forms of one letter, all white space, and every cluster's parts are in the fixed texts too."""
    whole = "".join(NASTY.values())
    assert {"\u00e9", "e\u0301"} <= {part for part in ("\u00e9", "e\u0301") if part in whole}
    assert all(space in whole for space in "\t\n\x0b\x0c\r\x85\u00a0\u2028\u2029\u3000\ufeff\x00")


def test_nasty_texts_are_distinct_and_not_blank() -> None:
    """Each fixed text tries something of its own."""
    assert len(set(NASTY.values())) == len(NASTY)
    assert all(text.strip() for text in NASTY.values())


@given(content=contents())
def test_contents_have_no_outer_white_space(content: str) -> None:
    """A template that trims by declaration must not fail on them."""
    assert content
    assert content == content.strip()


@given(messages=conversations())
def test_conversations_alternate_and_start_with_the_user(messages: list[Message]) -> None:
    """Valid for every template, the strictest too."""
    assert [message["role"] for message in messages] == [("user", "assistant")[n % 2] for n in range(len(messages))]
    assert all(isinstance(message["content"], str) for message in messages)


@given(messages=conversations(with_system=True, max_turns=2))
def test_conversations_with_system_begin_with_it(messages: list[Message]) -> None:
    assert messages[0]["role"] == "system"
    assert 2 <= len(messages) <= 3


@pytest.mark.parametrize("turns", [1, 2, 5])
def test_conversations_reach_every_length(turns: int) -> None:
    assert len(find(conversations(), lambda messages: len(messages) == turns, settings=QUICK)) == turns


def test_fixed_contents_may_be_trimmed() -> None:
    """Trimming is a capability: no fixed content has white space at its ends."""
    assert all(content == content.strip() for content in CONTENTS.values())


def test_plain_conversations_are_what_every_template_takes() -> None:
    """They start with the user and alternate; what is refused by published templates is optional."""
    assert all(messages[0]["role"] == "user" for messages in PLAIN.values())
    assert not set(PLAIN) & set(OPTIONAL)


def test_tool_values_can_be_found_again() -> None:
    """The needles stand in the call and in the result only, so that a render shows where they came from."""
    arguments = [message["tool_calls"][0]["function"]["arguments"] for message in (CALL, CALL_AS_TEXT)]
    assert arguments == [{"city": CITY}, '{"city": "' + CITY + '"}']
    assert DEGREES in RESULT["content"]
    assert CITY not in str(WEATHER)
    assert DEGREES not in str([WEATHER, ASK, CALL])
