"""Promise: the model reads what was written."""

from __future__ import annotations

from hypothesis import given

from fixtures.inputs.conversations import ANSWER, CONTENTS, QUESTION, assistant, conversations, user
from fixtures.subjects.chat import Chat, Message
from suites.chat_templates.evidence import rendered, shown
from suites.findings import Defect


def test_content_verbatim(chat: Chat) -> None:
    """What user and assistant said stands in the prompt exactly as it was said, and once; outer white space aside.

    Why: a toggle that is cut out of a user's text, an escaped '<' or a flattened indentation change the question,
        and let text from outside steer the template.
    Fix: Print message.content as it is; take switches from template variables, not from the text of messages.
    Source: https://huggingface.co/docs/transformers/chat_templating_writing;
        https://github.com/Blackwellboy/model-serving-minefield (trap 66)
    """
    for kind, content in CONTENTS.items():
        stands_once(chat, [user(content)], content, f"{kind} in a user message")
        stands_once(chat, [user(content), ANSWER, QUESTION], content, f"{kind} in an earlier user message")
        stands_once(chat, [QUESTION, assistant(content)], content, f"{kind} in an assistant message")

    @given(messages=conversations(max_turns=3))
    def any_conversation(messages: list[Message]) -> None:
        in_order(chat, messages)

    any_conversation()


def in_order(chat: Chat, messages: list[Message]) -> None:
    """Every content, one after the other."""
    __tracebackhide__ = True
    text = rest = rendered(chat, messages, fresh=True)
    for message in messages:
        _, found, rest = rest.partition(message["content"])
        if not found:
            raise Defect(f"A {message['role']} message is not rendered as it was written: {message['content']!a}.",
                         evidence={"messages": messages, "render": shown(text)})  # fmt: skip


def stands_once(chat: Chat, messages: list[Message], content: str, where: str) -> None:
    __tracebackhide__ = True
    text = rendered(chat, messages)
    count = text.count(content)
    if count == 1:
        return
    how = f"stands {count} times in the prompt" if count else f"is {what_happened(content, text)}"
    raise Defect(f"The content {content!r} ({where}) {how}.",
                 evidence={"content": content, "messages": messages, "render": shown(text)})  # fmt: skip


def what_happened(content: str, text: str) -> str:
    """The kind of change, where it is a known one."""
    if any(part in text for part in ("&lt;", "&#39;", "&#34;")):
        return "HTML-escaped"
    words = content.split()
    lost = [word for word in words if word not in text]
    if len(lost) * 2 > len(words):
        return "not in the prompt at all"
    if lost:
        return f"in the prompt without {' '.join(lost)!r}"
    return "in the prompt with other white space or in another order"
