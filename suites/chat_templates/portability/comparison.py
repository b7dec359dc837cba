"""The same conversations in Jinja and in another engine, and where a difference comes from."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fixtures.inputs.conversations import ANSWER, FOLLOW_UP, INSTRUCTION, QUESTION
from fixtures.inputs.tools import ASK, CALL, REPLY, RESULT, WEATHER
from fixtures.sandbox import SPECIAL_TOKENS, prefetch
from fixtures.sandbox.client import CLIENT
from fixtures.sandbox.inspection import inspect, variables
from fixtures.templates.chat import Chat, Message
from fixtures.text import differences as where
from suites.chat_templates.portability.engines import CLOCK, Engine, Json, Outcome, llama_cpp

MARKUP_TOOL = {
    **WEATHER,
    "function": {**WEATHER["function"], "description": "Tells 'what' a <place> & a day are like."},
}
"""A tool with the characters that some engines escape in JSON."""
CONVERSATIONS: dict[str, tuple[list[Message], list[Any] | None]] = {
    "a question": ([QUESTION], None),
    "a conversation with a system message": ([INSTRUCTION, QUESTION, ANSWER, FOLLOW_UP], None),
    "a tool call": ([ASK, CALL, RESULT, REPLY, QUESTION], [MARKUP_TOOL]),
}
DEFAULTS = {"enable_thinking": True, "preserve_reasoning": True, "preserve_thinking": True, "clear_thinking": False,
            "truncate_history_thinking": False, "drop_thinking": False}  # fmt: skip
"""What llama.cpp gives to every template; given to both engines, so that its defaults are no difference."""


@dataclass(frozen=True)
class Difference:
    """A conversation that another engine renders otherwise than Jinja does, or not at all."""

    conversation: str
    jinja: str
    other: Outcome
    line: int | None
    constructs: tuple[str, ...] = field(default=())
    """What the template uses in that line."""

    @property
    def start(self) -> int:
        return where.first_difference(self.jinja, self.other.text or "")


def jinja_renders(chat: Chat) -> dict[str, tuple[Json, Json]]:
    """For each conversation the variables and how Jinja ends; those that Jinja itself cannot render are left out."""
    return chat.once("portability", _references)


def _references(chat: Chat) -> dict[str, tuple[Json, Json]]:
    tokens = {name: str(token) for name, token in chat.tokenizer.special_tokens_map.items() if isinstance(token, str)}
    given = {name: _given(chat.prepared(messages), tools, tokens) for name, (messages, tools) in CONVERSATIONS.items()}
    ends = CLIENT.ask(chat.template, _renders(given))["renders"]
    told = zip(given.items(), ends, strict=False)
    return {name: (each, end) for (name, each), end in told if "text" in end or "refused" in end}


def _given(messages: list[Message], tools: list[Any] | None, tokens: dict[str, str]) -> Json:
    return variables(messages, tools=tools, **tokens, **DEFAULTS)


def _renders(given: Mapping[str, Json]) -> list[Json]:
    return [{"variables": each, "clock": CLOCK} for each in given.values()]


@prefetch.at_share(0.35)
def _begin_references(template: str) -> None:
    CLIENT.ask_early(
        template, _renders({name: _given(*shape, SPECIAL_TOKENS) for name, shape in CONVERSATIONS.items()})
    )


@prefetch.at_share(0.12)
def _begin_llama_cpp(template: str) -> None:
    """With the conversation that is asked of most templates in `quick`."""
    engine = llama_cpp()
    if engine:
        engine.begin(template, _given(*CONVERSATIONS["a tool call"], SPECIAL_TOKENS))


def same(chat: Chat, engine: Engine, given: Json, end: Json) -> bool:
    """Whether the engine renders a conversation as Jinja does."""
    return _same(engine.render(chat.template, given), end)


def _same(outcome: Outcome, end: Json) -> bool:
    """A refusal must be one in both."""
    return outcome.text == end.get("text") and not (outcome.failed and "refused" in end)


def first_difference(chat: Chat, engine: Engine, wanted: dict[str, tuple[Json, Json]]) -> Difference | None:
    """The first conversation that the engine does not render as Jinja does."""
    for name, (given, end) in wanted.items():
        outcome = engine.render(chat.template, given)
        if not _same(outcome, end):
            line = _line(chat.template, given, end, outcome)
            return Difference(name, end.get("text", ""), outcome, line, _constructs(chat.template, line))
    return None


def _line(template: str, given: Json, end: Json, outcome: Outcome) -> int | None:
    """The line of the template that failed, or that wrote the first text that differs."""
    if outcome.failed:
        return outcome.line or _line_of_words(template, outcome.failed)
    if outcome.text is None or "text" not in end:
        return None
    traced = CLIENT.ask(template, [{"variables": given, "clock": CLOCK, "trace": True}])["renders"][0]
    if traced.get("text") != end["text"]:  # the marks have changed what the template did
        return None
    start = Difference("", end["text"], outcome, None).start
    return next((line for offset, line in reversed(traced["lines"]) if offset <= start), None)


def _line_of_words(template: str, message: str) -> int | None:
    """The first line that holds what a message quotes."""
    quoted = re.findall(r"'([^']+)'|statement: (\w+)", message)
    words = [re.compile(rf"\b{re.escape(one or two)}\b") for one, two in quoted]
    words += [re.compile(r"\{[{%].*\w\)? *// *\(?\w.*[%}]\}")] * (
        "token: / of" in message
    )  # no division to whole numbers
    numbered = enumerate(template.splitlines(), start=1)
    return next((number for number, text in numbered if any(word.search(text) for word in words)), None)


def _constructs(template: str, line: int | None) -> tuple[str, ...]:
    used = inspect(template).facts.get("constructs", {})
    return tuple(name for name, lines in used.items() if line in lines)
