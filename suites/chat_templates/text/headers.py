"""Headers of turns in rendered texts: where they begin, and how the prompt's differs from those of the history."""

from __future__ import annotations

import re

from fixtures.templates.chat import Chat
from suites.chat_templates.evidence import common_prefix

MARKER = re.compile(r"<[|｜/]?[^<>\s]{1,60}[|｜]?>|\[/?[A-Za-z_]{2,30}\]")
THOUGHT = re.compile(r"\s*<[^<>]{0,20}(?:think|thought|reason|analysis|scratchpad|working)[^<>]{0,20}>", re.IGNORECASE)
"""A marker that opens or closes a thought, at the start of a text."""

WORD = re.compile(r"[^\W\d_]{2,}")


def boundary(text: str, index: int) -> int:
    """The last position up to `index` that is not inside a marker or a word."""
    for match in MARKER.finditer(text):
        if match.start() < index < match.end():
            return match.start()
    while 0 < index < len(text) and text[index - 1].isalnum() and text[index].isalnum():
        index -= 1
    return index


def after_common_part(one: str, other: str) -> tuple[str, str]:
    """What two texts have after their common part, which ends at the start of a marker or word."""
    shared = len(common_prefix(one, other))
    start = min(boundary(one, shared), boundary(other, shared))
    return one[start:], other[start:]


def is_thought(text: str) -> bool:
    """True if a text begins with the marker of a thought."""
    return bool(THOUGHT.match(text))


def leads_into(prompt: str, before: str) -> bool:
    """True if a turn whose content follows `before` may begin with the prompt, or with what the prompt adds to it.

    The prompt may begin an answer, open or close a thought, or put instructions before the header.
    """
    if before.startswith(prompt.rstrip()) or prompt.startswith(before.rstrip()):
        return True
    prompted, turn = after_common_part(prompt.rstrip(), before.rstrip())
    if turn and prompted.endswith(turn):
        return bool(WORD.search(MARKER.sub("", prompted.removesuffix(turn))))
    words = MARKER.sub("", turn).strip()
    return is_thought(prompted) and not words and _leading(prompted) == _leading(turn)


def _leading(text: str) -> str:
    return text[: len(text) - len(text.lstrip())]


def same_white_space(prompt: str, before: str) -> bool:
    """False if prompt and history both end in white space before a content, and in different one."""
    if prompt.rstrip() != before.rstrip():
        return True
    ends = [text[len(text.rstrip()) :] for text in (prompt, before)]
    return not all(ends) or ends[0] == ends[1]


def lacks_header(question: str, prompt: str, before: str) -> bool:
    """True if an answer in the history follows its question directly, where the prompt has a header."""
    shared = question[: len(common_prefix(question, before))]
    header = prompt.removeprefix(shared)
    if header == prompt or before[len(shared) :].strip() or is_thought(header):
        return False
    return bool(MARKER.search(header)) or len(WORD.findall(header)) in (1, 2)  # more words begin the answer


def dangling(chat: Chat, after_user: str, after_assistant: str) -> str:
    """The header that ends a conversation whoever spoke last, unlike before a user's turn; empty for none."""
    following = chat.before_next_user
    if following is None or following.startswith(after_assistant.rstrip()):
        return ""
    start = boundary(after_assistant, len(common_prefix(after_assistant, following)))
    shared = [match.start() for match in MARKER.finditer(after_assistant) if match.end() == start]
    header = after_assistant[shared[0] if shared else start :]
    return header if header.strip() and after_user.endswith(header) else ""
