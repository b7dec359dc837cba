from __future__ import annotations

import json
from collections.abc import Callable

from fixtures.inputs.conversation_strategy import Conversation
from fixtures.inputs.conversations import ANSWER, CONTENTS, QUESTION, assistant, system, user
from fixtures.templates.chat import Chat, Message
from suites.chat_templates.evidence import rendered, shown
from suites.chat_templates.generated_conversations import Generated, features_of, renders, simplest
from suites.chat_templates.probes import attempt
from suites.findings import Defect, Hazard


def test_content_verbatim(chat: Chat, generated_conversations: Generated) -> None:
    """What is said stands in the prompt exactly as it was said, in order and once; outer white space aside.

    Why: a toggle that is cut out of a user's text, an escaped '<' or a flattened indentation change the question,
        and let text from outside steer the template.
    Fix: Print message.content as it is; take switches from template variables, not from the text of messages.
    Source: https://huggingface.co/docs/transformers/chat_templating_writing;
        https://github.com/Blackwellboy/model-serving-minefield (trap 66)
    """
    for place, alone in PLACES.items():
        if place != "a system message" or features_of(chat).system:
            together(chat, place, alone)
    at_length(chat)
    for conversation, text in renders(chat, generated_conversations):
        if changed(conversation, text):
            report(*simplest(chat, conversation, lambda each, render: changed(each, render) is not None))


# Where a content can stand, and a conversation that has it there.
PLACES: dict[str, Callable[[str], list[Message]]] = {
    "a user message": lambda content: [user(content)],
    "an earlier user message": lambda content: [user(content), ANSWER, QUESTION],
    "an assistant message": lambda content: [QUESTION, assistant(content)],
    "a system message": lambda content: [system(content), QUESTION],
}


WORDS = " ".join(f"word{number}" for number in range(1500))
LONG = {
    "a conversation of 32 messages": [(user, assistant)[number % 2](f"Message {number}.") for number in range(32)],
    "a message of 1,500 words": [user(WORDS), ANSWER],
}


def at_length(chat: Chat) -> None:
    """Many messages, and one of many words: what a limit in a template would cut."""
    __tracebackhide__ = True
    for name, messages in LONG.items():
        text, _ = attempt(chat, messages)
        if text is not None and (lost := [each for each in messages if str(each["content"]) not in text]):
            number = messages.index(lost[0]) + 1
            raise Defect(f"Of {name}, {len(lost)} of {len(messages)} messages are not in the prompt as they were "
                         f"written, the first is message {number}.",
                         evidence={"message": shown(str(lost[0]["content"])), "render": shown(text)})  # fmt: skip


def together(chat: Chat, place: str, alone: Callable[[str], list[Message]]) -> None:
    """All contents in one conversation; where it has not every one once, each in a conversation of its own."""
    __tracebackhide__ = True
    once = place in ("a system message", "a user message")
    said = ["\n\n".join(CONTENTS.values())] if once else CONTENTS.values()
    text, _ = attempt(chat, [message for content in said for message in alone(content)[:2]])
    if text is None or any(text.count(content) != 1 for content in CONTENTS.values()):
        for kind, content in CONTENTS.items():
            stands_once(chat, alone(content), content, f"{kind} in {place}")


def changed(conversation: Conversation, text: str) -> Message | None:
    """The first message that is not there behind what was said before it; a system message may stand elsewhere."""
    rest = text
    for message in conversation.messages:
        found, rest = (True, rest) if message["role"] == "system" else follows(message, rest)
        if not found:
            return message
    return None


def follows(message: Message, text: str) -> tuple[bool, str]:
    """Whether a content is in the text, and what comes after it; a tool's result may be a string of JSON."""
    content = message["content"]
    if not content:
        return True, text
    forms = [content] if message["role"] != "tool" else [content, json.dumps(content, ensure_ascii=False)[1:-1],
                                                         json.dumps(content)[1:-1]]  # fmt: skip
    found = [(text.index(form), len(form)) for form in forms if form in text]
    if not found:
        return False, text
    start, length = min(found)  # the same words may follow in another message, in another form
    return True, text[start + length :]


def report(conversation: Conversation, text: str) -> None:
    __tracebackhide__ = True
    message = changed(conversation, text) or conversation.messages[0]
    raise Defect(f"A {message['role']} message is not rendered as it was written: {message['content']!a}.",
                 evidence={"messages": conversation.messages, "render": shown(text)})  # fmt: skip


def stands_once(chat: Chat, messages: list[Message], content: str, where: str) -> None:
    __tracebackhide__ = True
    text = rendered(chat, messages)
    count = text.count(content)
    if count == 1:
        return
    how = f"stands {count} times in the prompt" if count else f"is {what_happened(content, text)}"
    # SmolLM3 reads its switches from the system message, and its card says so
    documented = content == CONTENTS["a toggle"] and messages[0]["role"] == "system"
    raise (Hazard if documented else Defect)(f"The content {content!r} ({where}) {how}.",
                 evidence={"content": content, "messages": messages, "render": shown(text)})  # fmt: skip


def what_happened(content: str, text: str) -> str:
    """The kind of change, where it is a known one."""
    if any(part in text for part in ("&lt;", "&#39;", "&#34;")):
        return "HTML-escaped"
    if content.encode("unicode_escape").decode() in text:
        return "escaped like a string of code"
    words = content.split()
    lost = [word for word in words if word not in text]
    if len(lost) * 2 > len(words):
        return "not in the prompt at all"
    if lost:
        return f"in the prompt without {' '.join(lost)!r}"
    return "in the prompt with other white space or in another order"
