from __future__ import annotations

import re
import unicodedata
from typing import Any

from fixtures.inputs.conversations import INSTRUCTION, QUESTION
from fixtures.inputs.tools import ASK, CALL, RESULT, WEATHER
from fixtures.session.uses import uses
from fixtures.templates.chat import Chat, Message
from suites.chat_templates.affected import uses_of
from suites.chat_templates.probes import attempt
from suites.chat_templates.template_names import inspections
from suites.findings import Defect

HIDDEN = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f"  # controls
    "\u00ad\u200b\u2060-\u2064\ufeff"  # zero width
    "\u202a-\u202e\u2066-\u2069"  # changes of direction
    "\U000e0000-\U000e007f]"  # tags, which spell ASCII invisibly
    "|(?<=[ -~])[\u200c\u200d]|[\u200c\u200d](?=[ -~])"  # joiners next to ASCII; other scripts and emoji need them
)
ESCAPES = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\v": "\\v"}
TAGS = range(0xE0020, 0xE007F)


@uses("chat", "system", "tools")
def test_no_invisible_text(chat: Chat) -> None:
    r"""The template's own text contains no control characters, zero-width characters or tag characters.

    Why: models read what reviewers do not see: tag characters can hide instructions, and a control character is mostly
        a wrong escape, like '\b' in '\boxed'.
    Fix: Delete the character; write a literal backslash twice.
    Source: https://jinja.palletsprojects.com/en/stable/templates/#literals;
        https://www.unicode.org/reports/tr36/ (Unicode Security Considerations)
    """
    for name, found in inspections(chat).items():
        for text, line in found.facts.get("strings", []):
            if hidden := HIDDEN.search(text):
                around = text[max(0, hidden.start() - 60) : hidden.start() + 60]
                raise Defect(
                    f"{name} writes {described(text, hidden)} (line {line}).",
                    evidence={"text": ascii(around)},
                    uses=shown_in(chat, around),
                )


def shown_in(chat: Chat, text: str) -> tuple[str, ...]:
    """The use whose conversation shows the text: that of chats if a question does; empty if none that is tried does."""
    tried: list[tuple[list[Message], Any]]
    tried = [([QUESTION], None), ([INSTRUCTION, QUESTION], None), ([ASK], [WEATHER]), ([ASK, CALL, RESULT], [WEATHER])]
    for messages, tools in tried:
        if text in (attempt(chat, messages, tools=tools, add_generation_prompt=True)[0] or ""):
            return uses_of(messages, tools)
    return ()


def described(text: str, hidden: re.Match[str]) -> str:
    """The character in words: the text that tags spell, or the escape that was probably meant."""
    character = hidden.group()
    spelled = "".join(chr(ord(each) - 0xE0000) for each in text if ord(each) in TAGS)
    if spelled:
        return f"invisible tag characters that spell {spelled[:80]!r}"
    rest = re.match(r"[a-z]{3,}", text[hidden.end() :])
    if character in ESCAPES and rest:
        word = ESCAPES[character] + rest.group()
        return f"the control character U+{ord(character):04X} where {word} was meant: {word[:2]} is an escape"
    label = unicodedata.name(character, "a control character")
    return f"the invisible character U+{ord(character):04X} ({label}) into the prompt"
