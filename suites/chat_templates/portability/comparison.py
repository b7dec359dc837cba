"""Comparison of another template engine with Jinja, and the line of the template that causes a difference."""

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
"""A tool with characters that some engines escape in JSON."""
CONVERSATIONS: dict[str, tuple[list[Message], list[Any] | None]] = {
    "a question": ([QUESTION], None),
    "a conversation with a system message": ([INSTRUCTION, QUESTION, ANSWER, FOLLOW_UP], None),
    "a tool call": ([ASK, CALL, RESULT, REPLY, QUESTION], [MARKUP_TOOL]),
}
DEFAULTS = {"enable_thinking": True, "preserve_reasoning": True, "preserve_thinking": True, "clear_thinking": False,
            "truncate_history_thinking": False, "drop_thinking": False}  # fmt: skip
"""Variables that llama.cpp sets for every template; both engines get them, so that they cause no difference."""


@dataclass(frozen=True)
class Difference:
    """A conversation that another engine does not render as Jinja does."""

    conversation: str
    jinja: str
    other: Outcome
    line: int | None
    constructs: tuple[str, ...] = field(default=())
    """Constructs that the template uses in this line."""

    @property
    def start(self) -> int:
        return where.first_difference(self.jinja, self.other.text or "")


def jinja_renders(chat: Chat) -> dict[str, tuple[Json, Json]]:
    """Variables and Jinja's result for each conversation that Jinja renders or refuses."""
    return chat.once("portability", _references)


def _references(chat: Chat) -> dict[str, tuple[Json, Json]]:
    tokens = {name: str(token) for name, token in chat.tokenizer.special_tokens_map.items() if isinstance(token, str)}
    given = {name: _given(chat.prepared(messages), tools, tokens) for name, (messages, tools) in CONVERSATIONS.items()}
    ends = CLIENT.ask(chat.template, _renders(given))["renders"]
    results = zip(given.items(), ends, strict=False)
    return {name: (each, end) for (name, each), end in results if "text" in end or "refused" in end}


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
    """Starts the render that most templates need in profile `quick`."""
    engine = llama_cpp()
    if engine:
        engine.begin(template, _given(*CONVERSATIONS["a tool call"], SPECIAL_TOKENS))


def same(chat: Chat, engine: Engine, given: Json, end: Json) -> bool:
    """True if the engine renders a conversation as Jinja does."""
    return _same(engine.render(chat.template, given), end)


def _same(outcome: Outcome, end: Json) -> bool:
    """True for equal texts, or a refusal in both."""
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
    """The line of the template that failed, or that wrote the first differing text."""
    if outcome.failed:
        return outcome.line or _line_of_words(template, outcome.failed)
    if outcome.text is None or "text" not in end:
        return None
    traced = CLIENT.ask(template, [{"variables": given, "clock": CLOCK, "trace": True}])["renders"][0]
    if traced.get("text") != end["text"]:  # tracing changed the render
        return None
    start = Difference("", end["text"], outcome, None).start
    return next((line for offset, line in reversed(traced["lines"]) if offset <= start), None)


def _line_of_words(template: str, message: str) -> int | None:
    """The first line of the template with a word that an error message quotes."""
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
