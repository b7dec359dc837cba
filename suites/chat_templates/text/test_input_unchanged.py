from __future__ import annotations

import json

from fixtures.inputs.conversations import INSTRUCTION, QUESTION
from fixtures.inputs.tools import ASK, CALL, CLOCK, REPLY, RESULT, WEATHER
from fixtures.templates.chat import Chat, copied
from suites.chat_templates.evidence import rendered
from suites.chat_templates.generated_conversations import features_of
from suites.findings import Defect


def test_input_unchanged(chat: Chat) -> None:
    """Messages and tools are after rendering what they were before.

    Why: an application keeps its messages and renders them again with the next turn; what a render took out of them
        or put into them is then in every later prompt, and in what the application stores.
    Fix: Copy what has to be changed: dict(message, content=...) in a template, copy.deepcopy in Python.
    Source: https://jinja.palletsprojects.com/en/stable/sandbox/ (ImmutableSandboxedEnvironment)
    """
    rendered(chat, [QUESTION])
    shape = features_of(chat)
    messages = copied(
        [ASK, CALL, RESULT, REPLY] if shape.tools else [*([INSTRUCTION] if shape.system else []), QUESTION]
    )
    tools = copied([WEATHER, CLOCK]) if shape.tools else None
    before = json.dumps([messages, tools])
    try:
        chat.tokenizer.apply_chat_template(messages, tools=tools, tokenize=False)
    except Exception:
        return  # told by `renders`
    after = json.dumps([messages, tools])
    if after != before:
        raise Defect("Rendering changes the messages or tools that it is given.",
                     evidence={"before": json.loads(before), "after": json.loads(after)})  # fmt: skip
