from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from fixtures.inputs.conversations import ANSWER, FOLLOW_UP, INSTRUCTION, QUESTION, SECOND_ANSWER
from fixtures.inputs.tools import ASK, CALL, REPLY, RESULT, THANKS, TWO_CALLS, TWO_RESULTS, WEATHER
from fixtures.session.uses import uses
from fixtures.templates.chat import Chat, Message
from suites.chat_templates import probes_tools
from suites.chat_templates.by_use import first_of_each_use
from suites.chat_templates.evidence import rendered, shown
from suites.chat_templates.generated_conversations import features_of
from suites.chat_templates.probes import attempt
from suites.findings import Defect, Record, raise_findings

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


PROSE = re.compile(r"(?:[^\W\d_][.,:;]?|[.,:;]|[(\"'`]) ?\Z")
"""The end of a text behind which an XML tag is mentioned in a sentence, and opens nothing."""
CONTENT, END = "\0", "\1"
"""Stand for the content of a message, and for the end-of-sequence token behind it."""


@dataclass(frozen=True)
class Rounds:
    """The same conversation with one and with two rounds; both end before an answer."""

    use: str
    once: list[Message]
    again: list[Message]
    answers: list[Message]
    """What the assistant says next in each: they finish the conversations."""
    tools: list[dict[str, object]] | None = None


@uses("chat", "system", "tools", "training")
def test_turn_markers_balance(assistant_chat: Chat, record: Record) -> None:
    """Markers that form pairs are closed as often as they are opened, also with tools and over several rounds.

    Why: an open turn runs into the next one, and the model was not trained on an end without a beginning; this often
        happens only from the second round of a conversation on.
    Fix: Write both markers under the same condition; reset a flag such as is_first when a round is over.
    Source: https://github.com/ggml-org/llama.cpp/issues/14557 (a flag that is never reset)
    """
    rendered(assistant_chat, [QUESTION])
    tried = list(conversations(assistant_chat))
    system = ["system"] if tried[0].once[0]["role"] == "system" else []
    record.tested(*dict.fromkeys((*(rounds.use for rounds in tried), *system, "training")))
    found = [finding for rounds in tried for finding in findings(assistant_chat, rounds)]
    raise_findings(first_of_each_use(found))


def conversations(chat: Chat) -> Iterator[Rounds]:
    """Rounds with a system message that replaces default ones, which may mention markers."""
    head = [INSTRUCTION] if features_of(chat).system else []
    plain = [*head, QUESTION, ANSWER, FOLLOW_UP]
    yield Rounds("chat", plain, [*plain, SECOND_ANSWER, QUESTION], [SECOND_ANSWER, ANSWER])
    if probes_tools.shows_calls(chat):
        called = [ASK, CALL, RESULT]
        for calls in ([CALL, RESULT], [TWO_CALLS, *TWO_RESULTS]):
            yield Rounds("tools", called, [*called, REPLY, THANKS, *calls], [REPLY, REPLY], [WEATHER])


def findings(chat: Chat, rounds: Rounds) -> Iterator[Defect]:
    """What is out of balance where the assistant is about to speak, and what only in finished conversations."""
    texts = [
        attempt(chat, messages, tools=rounds.tools, add_generation_prompt=True)[0]
        for messages in (rounds.once, rounds.again)
    ]
    finished = [
        attempt(chat, [*messages, answer], tools=rounds.tools)[0]
        for messages, answer in zip((rounds.once, rounds.again), rounds.answers, strict=True)
    ]
    excess = _excess(chat, texts, rounds, opened=1)
    if excess:
        yield _defect(excess, rounds, [*rounds.again], texts[1] or "", _use(chat, rounds))
    elif excess := _excess(chat, finished, rounds, opened=0):
        yield _defect(excess, rounds, [*rounds.again, rounds.answers[1]], finished[1] or "", "training")


def _use(chat: Chat, rounds: Rounds) -> str:
    """The use that is affected: `system` if the same conversation is right without a system message."""
    if rounds.again[0]["role"] != "system":
        return rounds.use
    shorter = [
        attempt(chat, messages[1:], tools=rounds.tools, add_generation_prompt=True)[0]
        for messages in (rounds.once, rounds.again)
    ]
    return rounds.use if _excess(chat, shorter, rounds, opened=1) else "system"


def _excess(chat: Chat, texts: list[str | None], rounds: Rounds, *, opened: int) -> tuple[str, str, int] | None:
    """The first pair out of balance: (opener, closer, number). `opened` turns may be open at the end."""
    first, second = texts
    if first is None or second is None:
        return None
    messages = [*rounds.again, *rounds.answers]
    turns = openers_of_turns(chat)
    before, after = (unbalanced(neutral(chat, text, messages), turns) for text in (first, second))
    single = {} if rounds.tools else before
    wrong = [each for each in single.values() if not 0 <= each[2] <= opened]
    for opener, (_, closer, number) in after.items():
        known = before.get(opener, (opener, closer, 0))[2]
        if number != known:
            wrong.append((opener, closer, number - known))
    return wrong[0] if wrong else None


def _defect(excess: tuple[str, str, int], rounds: Rounds, messages: list[Message], text: str, use: str) -> Defect:
    opener, closer, number = excess
    more, less = (opener, closer) if number > 0 else (closer, opener)
    kind = "a finished conversation" if use == "training" else "a conversation"
    return Defect(
        f"Markers do not balance: {kind}{' with tools' if rounds.tools else ''} renders {abs(number)} more {more} "
        f"than {less}.",
        evidence={"messages": messages, "render": shown(text, limit=2000)},
        uses=[use],
    )


def neutral(chat: Chat, text: str, messages: list[Message]) -> str:
    """The render with a placeholder for contents, and another for an end-of-sequence token that closes an answer.

    There is none where this token is the other half of a pair, which is counted like all others.
    """
    for content in sorted({str(each["content"]) for each in messages if each["content"]}, key=len, reverse=True):
        text = text.replace(content, CONTENT)
    eos = chat.tokenizer.eos_token
    of_pairs = {closer for opener in set(MARKER.findall(text)) for closer in closers(opener)}
    if not eos or eos in of_pairs:
        return text
    return re.sub(rf"({CONTENT}|</\w+>){re.escape(eos)}", rf"\1{END}", text)


def openers_of_turns(chat: Chat) -> set[str]:
    """Markers of the generation prompt, which open an assistant's turn."""
    prompt = attempt(chat, [QUESTION], add_generation_prompt=True)[0] or ""
    return set(MARKER.findall(prompt.rpartition(str(QUESTION["content"]))[2]))


def unbalanced(text: str, turns: set[str]) -> dict[str, tuple[str, str, int]]:
    """Pairs of which one half occurs more often than the other, by opening marker.

    DeepSeek and others write only the end of the reasoning if none is wanted (model card of V3.1). An answer that ends
    in the end-of-sequence token closes its turn.
    """
    text = ATTRIBUTES.sub(r"<\1>", text)
    found = [match for match in MARKER.finditer(text) if not _is_prose(text, match)]
    counts = Counter(match[0] for match in found)
    ends = text.count(END)
    excess: dict[str, tuple[str, str, int]] = {}
    for opener in counts:
        for closer in (each for each in closers(opener) if each in counts):
            number = counts[opener] - counts[closer]
            number = max(0, number - ends) if number > 0 and opener in turns else number
            if number > 0 or (number < 0 and "think" not in opener):
                excess[opener] = (opener, closer, number)
    return excess


def _is_prose(text: str, match: re.Match[str]) -> bool:
    """True for an XML tag that a sentence of the template's instructions mentions."""
    before = text[: match.start()].removesuffix(match[0].replace("/", ""))  # `<x></x>`: both are mentioned
    return bool(re.fullmatch(r"</?\w+>", match[0]) and PROSE.search(before[-3:]))


def closers(opener: str) -> Iterator[str]:
    for pattern, replacement in CLOSERS:
        if match := re.fullmatch(pattern, opener):
            yield match.expand(replacement)
