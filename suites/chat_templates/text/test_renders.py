from __future__ import annotations

from fixtures.inputs.conversation_strategy import Conversation
from fixtures.inputs.conversations import OPTIONAL, PLAIN
from fixtures.inputs.generated_conversations import shrink
from fixtures.templates.chat import Chat, TemplateBreaks, TemplateRejects
from suites.chat_templates.evidence import failure_evidence, failure_summary
from suites.chat_templates.generated_conversations import Generated, features_of
from suites.findings import Defect, Record


def test_renders(chat: Chat, generated_conversations: Generated, record: Record) -> None:
    """Plain conversations render, and generated ones with the features that the template supports.

    Why: an undefined value or a type error inside the template ends a chat with an exception.
    Fix: Test in the template that a key exists before it is used, and refuse with raise_exception what the model was
        not trained on.
    Source: https://huggingface.co/docs/transformers/chat_templating_writing
    """
    plain = {
        name: reason for name, messages in PLAIN.items() if (reason := rendering(chat, name, Conversation(messages)))
    }
    if len(plain) == len(PLAIN):
        name, reason = next(iter(plain.items()))
        raise Defect(f"The template refuses even {name}: {reason}.", evidence={"refused": list(plain)})
    other = {
        name: reason for name, messages in OPTIONAL.items() if (reason := rendering(chat, name, Conversation(messages)))
    }
    generated = generated_ones(chat, generated_conversations)
    refused = plain | other | ({"some generated conversations": generated} if generated else {})
    record.capability("chat.rejected_conversations", ", ".join(refused) or "nothing", evidence=refused or None)


def generated_ones(chat: Chat, generated_conversations: Generated) -> str | None:
    """Renders the generated conversations; returns the reason if the template refuses one."""
    __tracebackhide__ = True
    refused = None
    for conversation in generated_conversations(features_of(chat)):
        if isinstance(attempt(chat, conversation), TemplateBreaks):
            small = shrink(conversation, lambda each: isinstance(attempt(chat, each), TemplateBreaks))
            rendering(chat, "a generated conversation", small)
        refused = refused or rendering(chat, "a generated conversation", conversation)
    return refused


def rendering(chat: Chat, name: str, conversation: Conversation) -> str | None:
    """Renders with and without a generation prompt; returns the reason if the template refuses."""
    __tracebackhide__ = True
    failure = attempt(chat, conversation)
    if isinstance(failure, TemplateBreaks):
        raise Defect(failure_summary(failure, name), evidence=failure_evidence(failure, conversation.messages))
    return str(failure) if failure else None


def attempt(chat: Chat, conversation: Conversation) -> TemplateBreaks | TemplateRejects | None:
    """The failure of a render, also with a generation prompt unless the assistant spoke last."""
    for prompt in (False, True) if conversation.messages[-1]["role"] != "assistant" else (False,):
        try:
            chat.render(conversation.messages, tools=conversation.tools, add_generation_prompt=prompt)
        except (TemplateBreaks, TemplateRejects) as failure:
            return failure
    return None
