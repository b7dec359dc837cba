from __future__ import annotations

import json

from fixtures.inputs.conversations import INSTRUCTION, QUESTION
from fixtures.inputs.tools import ASK, CALL, CLOCK, REPLY, RESULT, WEATHER
from fixtures.session.uses import uses
from fixtures.templates.chat import Chat, copied
from suites.chat_templates.evidence import RENDERS, rendered
from suites.chat_templates.generated_conversations import features_of
from suites.findings import Blocked, Defect, Record


@uses("chat", "tools")
def test_input_unchanged(chat: Chat, record: Record) -> None:
    """Rendering does not change the messages and tools that it is given.

    Why: an application renders the same messages again in the next turn, so the change affects all later prompts and
        the stored conversation.
    Fix: Change copies only: dict(message, content=...) in a template, copy.deepcopy in Python.
    Source: https://jinja.palletsprojects.com/en/stable/sandbox/ (ImmutableSandboxedEnvironment)
    """
    rendered(chat, [QUESTION])
    features = features_of(chat)
    messages = copied(
        [ASK, CALL, RESULT, REPLY] if features.tools else [*([INSTRUCTION] if features.system else []), QUESTION]
    )
    tools = copied([WEATHER, CLOCK]) if features.tools else None
    record.tested("chat", *["tools"] * features.tools)
    messages = chat.prepared(messages)
    before = json.dumps([messages, tools])
    try:
        chat.tokenizer.apply_chat_template(messages, tokenize=False, **chat.given | ({"tools": tools} if tools else {}))
    except Exception as error:
        raise Blocked(RENDERS, f"the template fails on a conversation: {error}") from None
    after = json.dumps([messages, tools])
    if after != before:
        raise Defect(
            "Rendering changes the messages or tools that it is given.",
            evidence={"before": json.loads(before), "after": json.loads(after)},
        )
