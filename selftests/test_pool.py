"""Generated conversations have the shape that was asked for, reach everything it allows, and can be made smaller."""

from __future__ import annotations

import copy
from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fixtures.checkpoint.bare_template import BareTemplate
from fixtures.inputs.conversation_strategy import Conversation, Features, conversations
from fixtures.inputs.generated_conversations import sample, smallest
from fixtures.templates.chat import Chat
from suites.chat_templates.generated import shape_of

ALL = Features(system=True, free=True, tools=True, parallel=True, reasoning=True)
SHAPES = [
    Features(),
    Features(system=True),
    Features(free=True),
    Features(tools=True),
    Features(tools=True, reasoning=True),
    ALL,
]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@given(data=st.data())
def test_talks_hold_only_what_the_shape_allows(shape: Features, data: st.DataObject) -> None:
    talk = data.draw(conversations(shape), label="talk")
    roles = [message["role"] for message in talk.messages]
    calls = [len(message["tool_calls"]) for message in talk.messages if "tool_calls" in message]
    assert shape.system or "system" not in roles
    assert "system" not in roles[1:]
    assert bool(talk.tools) == shape.tools
    assert max(calls, default=0) <= (2 if shape.parallel else shape.tools)
    assert shape.reasoning or not any("reasoning_content" in message for message in talk.messages)
    assert shape.free or all(pair != ("user", "user") for pair in pairwise(roles))


@given(talk=conversations(ALL))
def test_talks_begin_with_the_user_and_answer_calls_in_order(talk: Conversation) -> None:
    """What every template that supports all of it takes: each result answers a call of the message before."""
    said = [message for message in talk.messages if message["role"] != "system"]
    assert said[0]["role"] == "user"
    open_calls: list[str] = []
    for message in said:
        if message["role"] == "tool":
            assert message["tool_call_id"] == open_calls.pop(0)
        else:
            assert not open_calls
            open_calls = [call["id"] for call in message.get("tool_calls", [])]


@pytest.mark.parametrize(
    "what",
    [
        lambda talk: talk.messages[0]["role"] == "system",
        lambda talk: any(len(message.get("tool_calls", [])) == 2 for message in talk.messages),
        lambda talk: talk.messages[-1]["role"] == "user",
        lambda talk: talk.messages[-1]["role"] == "assistant",
        lambda talk: any(message.get("reasoning_content") for message in talk.messages),
        lambda talk: len(talk.messages) > 8,
        lambda talk: len(talk.messages) == 1,
    ],
)
def test_talks_reach_what_the_shape_allows(what: Callable[[Conversation], bool]) -> None:
    """Within a few hundred: hypothesis.find would look for the smallest one, which takes most of its time."""
    assert any(map(what, sample(ALL, 300, 0)))


def test_the_pool_is_drawn_once_and_the_same_for_a_seed() -> None:
    first = sample(ALL, 30, 0)
    assert sample(ALL, 30, 0) is first
    kept = copy.deepcopy(first)
    sample.cache_clear()
    assert sample(ALL, 30, 0) == kept
    assert sample(ALL, 30, 1) != kept
    assert len(first) > 15


def test_the_smallest_still_fails() -> None:
    """Messages go first, then characters; what fails only with them is kept."""
    talk = max(sample(Features(system=True), 30, 0), key=lambda each: len(each.messages))
    said = str(talk.messages[-1]["content"])
    needle = max(said.split(), key=len)[:3]
    found = smallest(talk, lambda each: any(needle in message["content"] for message in each.messages))
    assert sum(len(message["content"]) for message in found.messages) <= len(needle) + 2
    assert len(found.messages) <= 2
    assert smallest(talk, lambda each: False) is talk


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}", Features(system=True, free=True)),
        ("{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('no') }}"
         "{% endif %}{{ m.content }}{% endfor %}", Features()),
        ("{% for m in messages %}<{{ m.role }}>{{ m.reasoning_content }}{{ m.content }}"
         "{{ m.tool_calls | tojson if m.tool_calls }}{% endfor %}", ALL),
    ],
)  # fmt: skip
def test_the_shape_follows_the_capabilities(template: str, expected: Features) -> None:
    assert shape_of(Chat(BareTemplate(template))) == expected
