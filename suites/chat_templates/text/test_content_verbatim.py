from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

from fixtures.inputs.conversation_strategy import Conversation
from fixtures.inputs.conversations import ANSWER, CONTENTS, QUESTION, assistant, system, user
from fixtures.session.uses import uses
from fixtures.templates.chat import NEEDLE, Chat, Message
from suites.chat_templates.affected import raise_by_use, uses_of
from suites.chat_templates.evidence import rendered, shown
from suites.chat_templates.generated_conversations import Generated, features_of, renders, simplest
from suites.chat_templates.probes import attempt
from suites.findings import Defect, Finding, Hazard, Record


@uses("chat", "system", "tools", "reasoning", "serving")
def test_content_verbatim(assistant_chat: Chat, generated_conversations: Generated, record: Record) -> None:
    """Contents of messages stand in the prompt unchanged, in order and once, apart from outer white space.

    Why: a removed toggle, an escaped '<' or a lost indentation change the user's question; a template that reacts to
        content can be controlled from outside.
    Fix: Print message.content unchanged; take switches from template variables, not from the text of messages.
    Source: https://huggingface.co/docs/transformers/chat_templating_writing;
        https://github.com/Blackwellboy/model-serving-minefield (trap 66)
    """
    chat, features = assistant_chat, features_of(assistant_chat)
    rendered(chat, [QUESTION])
    has = {"system": features.system, "tools": features.tools, "reasoning": features.reasoning}
    record.tested("chat", "serving", *(use for use, there in has.items() if there))
    raise_by_use(findings(chat, generated_conversations))


def findings(chat: Chat, generated_conversations: Generated) -> Iterator[Finding]:
    for position, conversation_with in CONVERSATIONS.items():
        if position != "a system message" or features_of(chat).system:
            yield from contents_changed(chat, position, conversation_with)
    yield from dropped_with_length(chat)
    seen: set[tuple[str, ...]] = set()
    for conversation, text in renders(chat, generated_conversations):
        affected = uses_of(conversation.messages, conversation.tools)
        if affected not in seen and changed(conversation, text):
            seen.add(affected)
            yield of_generated(*simplest(chat, conversation, lambda each, render: changed(each, render) is not None))


CONVERSATIONS: dict[str, Callable[[str], list[Message]]] = {
    "a user message": lambda content: [user(content)],
    "an earlier user message": lambda content: [user(content), ANSWER, QUESTION],
    "an assistant message": lambda content: [QUESTION, assistant(content)],
    "a system message": lambda content: [system(content), QUESTION],
}
"""Conversations with a given content, by its position."""
BLANK_LINES = re.compile(r"\n\s*\n")


WORDS = " ".join(f"word{number}" for number in range(1500))
LONG = {
    "a conversation of 32 messages": [(user, assistant)[number % 2](f"Message {number}.") for number in range(32)],
    "a message of 1,500 words": [user(WORDS), ANSWER],
}


def dropped_with_length(chat: Chat) -> Iterator[Finding]:
    """A defect if a template drops messages of a long conversation, or cuts a long message."""
    for name, messages in LONG.items():
        text, _ = attempt(chat, messages)
        if text is not None and (lost := [each for each in messages if str(each["content"]) not in text]):
            number = messages.index(lost[0]) + 1
            yield Defect(
                f"In {name}, {len(lost)} of {len(messages)} messages are missing or changed in the prompt, "
                f"beginning with message {number}.",
                evidence={"message": shown(str(lost[0]["content"])), "render": shown(text)},
                uses=("chat",),
            )


def contents_changed(chat: Chat, position: str, conversation_with: Callable[[str], list[Message]]) -> Iterator[Finding]:
    """Tries all contents in one conversation, and each in its own conversation if not all are there once."""
    one_message = position in ("a system message", "a user message")
    contents = ["\n\n".join(CONTENTS.values())] if one_message else CONTENTS.values()
    text, _ = attempt(chat, [message for content in contents for message in conversation_with(content)[:2]])
    if text is not None and all(text.count(content) == 1 for content in CONTENTS.values()):
        return
    if not dropped_at(chat, conversation_with):
        for kind, content in CONTENTS.items():
            yield from content_changed(chat, conversation_with(content), content, f"{kind} in {position}")
        return
    messages = conversation_with(NEEDLE)
    yield Defect(
        f"The content of {position} is not in the prompt at all.",
        evidence={"messages": messages, "render": shown(rendered(chat, messages))},
        uses=uses_of(messages),
    )


def dropped_at(chat: Chat, conversation_with: Callable[[str], list[Message]]) -> bool:
    """True if not even a plain word at this position is shown."""
    text, _ = attempt(chat, conversation_with(NEEDLE))
    return text is not None and NEEDLE not in text


def changed(conversation: Conversation, text: str) -> Message | None:
    """The first message whose content is not in the text after the earlier ones; system messages may move."""
    rest = text
    for message in conversation.messages:
        found, rest = (True, rest) if message["role"] == "system" else follows(message, rest)
        if not found:
            return message
    return None


def follows(message: Message, text: str) -> tuple[bool, str]:
    """True if a content is in the text, and the text after it; a tool's result may be a JSON string."""
    content = message["content"]
    if not content:
        return True, text
    spellings = [content]
    if message["role"] == "tool":
        spellings += [json.dumps(content, ensure_ascii=False)[1:-1], json.dumps(content)[1:-1]]
    found = [(text.index(spelling), len(spelling)) for spelling in spellings if spelling in text]
    if not found:
        return False, text
    start, length = min(found)  # another message may have the same content in another spelling
    return True, text[start + length :]


def of_generated(conversation: Conversation, text: str) -> Finding:
    message = changed(conversation, text) or conversation.messages[0]
    return Defect(
        f"The content of a {message['role']} message is changed or missing in the prompt: {message['content']!a}.",
        evidence={"messages": conversation.messages, "render": shown(text)},
        uses=unusual(str(message["content"]), text) or uses_of(conversation.messages, conversation.tools),
    )


def content_changed(chat: Chat, messages: list[Message], content: str, where: str) -> Iterator[Finding]:
    text, _ = attempt(chat, messages)
    if text is None or (count := text.count(content)) == 1:
        return
    change = f"stands {count} times in the prompt" if count else f"is {change_of(content, text)}"
    # SmolLM3 reads switches from the system message, as its card documents
    documented = content == CONTENTS["a toggle"] and messages[0]["role"] == "system"
    yield (Hazard if documented else Defect)(
        f"The content {content!r} ({where}) {change}.",
        evidence={"content": content, "messages": messages, "render": shown(text)},
        uses=(unusual(content, text) if not count else ()) or uses_of(messages),
    )


def unusual(content: str, text: str) -> tuple[str, ...]:
    """Uses that meet changes of rare content: switches of reasoning cut out, or blank lines in what is passed on."""
    if content == CONTENTS["a toggle"] and without_switches(content) in without_switches(text):
        return ("reasoning", "serving")
    if BLANK_LINES.search(content) and BLANK_LINES.sub("\n", content) in BLANK_LINES.sub("\n", text):
        return ("serving",)
    return ()


def without_switches(text: str) -> str:
    return " ".join(word for word in text.split() if not word.startswith("/"))


def change_of(content: str, text: str) -> str:
    """The kind of change, as the end of a sentence."""
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
