from __future__ import annotations

from collections.abc import Iterator

from fixtures.inputs.conversation_strategy import Conversation
from fixtures.inputs.conversations import OPTIONAL, PLAIN
from fixtures.inputs.generated_conversations import shrink
from fixtures.session.uses import uses
from fixtures.templates.chat import Chat, TemplateBreaks, TemplateFails
from suites.chat_templates.affected import raise_by_use, uses_of
from suites.chat_templates.evidence import failure_evidence, failure_summary
from suites.chat_templates.generated_conversations import Generated, features_of
from suites.findings import Defect, Finding, Hazard, Record


@uses("chat", "system", "tools", "reasoning")
def test_renders(assistant_chat: Chat, generated_conversations: Generated, record: Record) -> None:
    """Plain conversations render, and generated ones with the features that the template supports.

    Why: an undefined value or a type error inside the template ends a chat with an exception.
    Fix: Test in the template that a key exists before it is used, and refuse with raise_exception what the model was
        not trained on.
    Source: https://huggingface.co/docs/transformers/chat_templating_writing
    """
    chat = assistant_chat
    tried = {name: Conversation(messages) for name, messages in (PLAIN | OPTIONAL).items()}
    failures = {name: failure for name, each in tried.items() if (failure := attempt(chat, each))}
    found = [broken(tried[name], failure, name) for name, failure in failures.items() if breaks(failure)]
    if not found and set(failures) >= set(PLAIN):
        name, reason = next(iter(failures.items()))
        raise Defect(
            f"The template refuses even {name}: {reason}.", evidence={"refused": list(failures)}, uses=("chat",)
        )
    refused = {name: str(failure) for name, failure in failures.items() if not breaks(failure)}
    if not any("chat" in each.uses for each in found):
        of_features, generated = generated_ones(chat, generated_conversations)
        found += of_features
        refused |= {"some generated conversations": generated} if generated else {}
    record.capability("chat.rejected_conversations", ", ".join(refused) or "nothing", evidence=refused or None)
    features = features_of(chat)
    record.tested("chat", *(use for use in ("system", "tools", "reasoning") if getattr(features, use)))
    raise_by_use([*found, *needs_variables(chat)])


def needs_variables(chat: Chat) -> Iterator[Finding]:
    """A hazard if the template fails without variables that no library passes."""
    needed = [name for name in chat.kind.needs if name not in ("tools", "documents")]
    if needed:
        yield Hazard(
            f"The template fails unless the caller passes the variables {', '.join(needed)}.",
            evidence={"passed here": dict(chat.kind.needs)},
            fix=f"Pass them: apply_chat_template(messages, {', '.join(f'{name}=...' for name in needed)}).",
            uses=("chat",),
        )


def generated_ones(chat: Chat, generated_conversations: Generated) -> tuple[list[Finding], str | None]:
    """Failures on generated conversations, one for each set of uses, and the reason if the template refuses one."""
    found: dict[tuple[str, ...], Finding] = {}
    refused = None
    for conversation in generated_conversations(features_of(chat)):
        affected = uses_of(conversation.messages, conversation.tools)
        failure = None if affected in found else attempt(chat, conversation)
        if isinstance(failure, TemplateBreaks):
            small = shrink(conversation, lambda each: isinstance(attempt(chat, each), TemplateBreaks))
            found[affected] = broken(small, attempt(chat, small) or failure, "a generated conversation")
        elif failure:
            refused = refused or str(failure)
    return [*found.values()], refused


def breaks(failure: TemplateFails) -> bool:
    return isinstance(failure, TemplateBreaks)


def broken(conversation: Conversation, failure: TemplateFails, name: str) -> Finding:
    rare = name == "an empty question"  # an error that is seen, where nothing was asked
    return (Hazard if rare else Defect)(
        failure_summary(failure, name),
        evidence=failure_evidence(failure, conversation.messages),
        uses=uses_of(conversation.messages, conversation.tools),
    )


def attempt(chat: Chat, conversation: Conversation) -> TemplateFails | None:
    """The failure of a render, also with a generation prompt unless the assistant spoke last."""
    for prompt in (False, True) if conversation.messages[-1]["role"] != "assistant" else (False,):
        try:
            chat.render(conversation.messages, tools=conversation.tools, add_generation_prompt=prompt)
        except TemplateFails as failure:
            return failure
    return None
