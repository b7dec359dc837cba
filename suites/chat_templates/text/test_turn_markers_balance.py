from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from fixtures.inputs.conversations import ANSWER, FOLLOW_UP, INSTRUCTION, QUESTION, SECOND_ANSWER
from fixtures.inputs.tools import ASK, CALL, REPLY, RESULT, THANKS, TWO_CALLS, TWO_RESULTS, WEATHER
from fixtures.templates.chat import Chat, Message
from suites.chat_templates import probes_tools
from suites.chat_templates.evidence import rendered, shown
from suites.chat_templates.generated_conversations import features_of
from suites.chat_templates.probes import attempt
from suites.findings import Defect

MARKER = re.compile(r"<[|｜/]?[\w▁:]+[|｜]?>|\[/?[A-Z_]{2,30}\]|<</?[A-Z]+>>")
ATTRIBUTES = re.compile(r"<([\w:]+)[= ][^<>\n]{1,80}>")
CLOSERS: tuple[tuple[str, str], ...] = (
    (r"<(?!s>)([\w:]+)>", r"</\1>"),
    (r"<<([A-Z]+)>>", r"<</\1>>"),
    (r"\[([A-Z_]+)\]", r"[/\1]"),
    (r"<\|(\w+)_start\|>", r"<|\1_end|>"),
    (r"<\|start_(\w+)\|>", r"<|end_\1|>"),
    (r"<\|START_(\w+)\|>", r"<|END_\1|>"),
    (r"<start_of_(\w+)>", r"<end_of_\1>"),
    (r"<｜([\w▁]+)▁begin｜>", r"<｜\1▁end｜>"),
    (r"<\|(\w+)_begin\|>", r"<|\1_end|>"),
    (r"<\|(\w+)>", r"<\1|>"),
)
"""Patterns of opening markers and the closing marker of each; <s> and </s> enclose whole texts and are no pair."""


def test_turn_markers_balance(chat: Chat) -> None:
    """Markers that form pairs are closed as often as they are opened, also with tools and over several rounds.

    Why: an open turn runs into the next one, and the model was not trained on an end without a beginning; this often
        happens only from the second round of a conversation on.
    Fix: Write both markers under the same condition; reset a flag such as is_first when a round is over.
    Source: https://github.com/ggml-org/llama.cpp/issues/14557 (a flag that is never reset)
    """
    rendered(chat, [QUESTION])
    for once, again, tools in conversations(chat):
        first, second = (attempt(chat, messages, tools=tools)[0] for messages in (once, again))
        if first is None or second is None:
            continue
        excess = {} if tools else unbalanced(first)
        for opener, closer, number in [*excess.values(), *growth(first, second)]:
            excess_of = (
                f"{abs(number)} more {opener} than {closer}" if number > 0 else f"{-number} more {closer} than {opener}"
            )
            raise Defect(
                f"Markers do not balance: a conversation{' with tools' if tools else ''} renders {excess_of}.",
                evidence={"messages": again, "render": shown(second, limit=2000)},
            )


def conversations(chat: Chat) -> Iterator[tuple[list[Message], list[Message], list[dict[str, object]] | None]]:
    """One exchange and two of them, with a system message that replaces default ones, which may mention markers."""
    head = [INSTRUCTION] if features_of(chat).system else []
    first = [*head, QUESTION, ANSWER]
    yield first, [*first, FOLLOW_UP, SECOND_ANSWER], None
    if probes_tools.shows_calls(chat):
        round_trip = [ASK, CALL, RESULT, REPLY]
        yield round_trip, [*round_trip, THANKS, CALL, RESULT, REPLY], [WEATHER]
        yield round_trip, [*round_trip, THANKS, TWO_CALLS, *TWO_RESULTS, REPLY], [WEATHER]


def unbalanced(text: str) -> dict[str, tuple[str, str, int]]:
    """Pairs of which one half occurs more often than the other, by opening marker.

    DeepSeek and others write only the end of the reasoning if none is wanted (model card of V3.1).
    """
    counts = Counter(MARKER.findall(ATTRIBUTES.sub(r"<\1>", text)))
    pairs = [(opener, closer) for opener in counts for closer in closers(opener) if closer in counts]
    found = {opener: (opener, closer, counts[opener] - counts[closer]) for opener, closer in pairs}
    return {opener: each for opener, each in found.items() if each[2] > 0 or (each[2] < 0 and "think" not in opener)}


def growth(first: str, second: str) -> Iterator[tuple[str, str, int]]:
    """Pairs that are less balanced after two exchanges than after one; markers in instructions cancel out."""
    before, after = unbalanced(first), unbalanced(second)
    for opener, (_, closer, number) in after.items():
        known = before.get(opener, (opener, closer, 0))[2]
        if number != known:
            yield opener, closer, number - known


def closers(opener: str) -> Iterator[str]:
    for pattern, replacement in CLOSERS:
        if match := re.fullmatch(pattern, opener):
            yield match.expand(replacement)
