"""Templates that are for something else than an assistant's chats, and what chats need besides messages."""

from __future__ import annotations

from pathlib import Path

from selftests.gallery.edits.templates import replaced
from selftests.gallery.registry import CHAT, Edit, healthy, mutant

TURNS = (
    "{%- for message in messages -%}{{- '<|im_start|>' ~ message.role ~ '\\n' ~ message.content ~ '<|im_end|>\\n' -}}"
    "{%- endfor -%}"
)
OPENED = "{{- '<|im_start|>assistant\\n' -}}"
PROMPT = "{%- if add_generation_prompt -%}" + OPENED + "{%- endif -%}"
VERBATIM = "chat_templates/content-verbatim"


def written(template: str) -> Edit:
    """An edit that writes this template in place of the one of the base."""

    def edit(directory: Path) -> None:
        (directory / "chat_template.jinja").write_text(template, encoding="utf-8")

    return edit


def other_kind(id: str, title: str, template: str, check: str = VERBATIM) -> None:
    """A row of a template that is no chat, and that no check judges as one."""
    healthy(id, title, base=CHAT, check=check, outcome="not_applicable")(written(template))


other_kind(
    "guard-quotes-the-conversation",
    "a guard quotes the conversation, and asks for a judgement behind it",
    "{{- '<|im_start|>user\\nClassify this conversation by the policy.\\n' -}}"
    "{%- for message in messages -%}{{- message.role | upper ~ ': ' ~ message.content ~ '\\n' -}}{%- endfor -%}"
    "{{- 'Is the last message safe? Answer with safe or unsafe only.<|im_end|>\\n' -}}" + OPENED,
)
other_kind(
    "guard-instructs-first",
    "a guard gives its instructions first, and quotes the conversation in one turn",
    "{{- '<|im_start|>system\\nYou judge whether the response of an assistant is safe or harmful.<|im_end|>\\n' -}}"
    "{{- '<|im_start|>user\\n' -}}"
    "{%- for message in messages -%}{{- '[' ~ message.role ~ ']: ' ~ message.content ~ '\\n' -}}{%- endfor -%}"
    "{{- '<|im_end|>\\n' -}}" + PROMPT,
)
other_kind(
    "reward-model-scores-the-end",
    "a reward model reads its score from the end token behind a finished conversation, and generates nothing",
    TURNS + "{{- '<|endoftext|>' -}}",
)
other_kind(
    "reranker-with-own-roles",
    "a reranker reads messages of the roles query and document",
    "{{- '<|im_start|>user\\n' -}}{%- for message in messages if message.role in ('query', 'document') -%}"
    "{{- message.role ~ ': ' ~ message.content ~ '\\n' -}}{%- endfor -%}{{- '<|im_end|>\\n' -}}" + OPENED,
)
other_kind(
    "embedding-with-own-roles",
    "an embedding model has a form for queries, and one for all other texts",
    "{%- for message in messages -%}{{- '<|im_start|>' ~ ('Represent the query: ' if message.role == 'query' else '') "
    "~ message.content ~ '<|im_end|>' -}}{%- endfor -%}",
)
other_kind(
    "speech-without-text",
    "a speech recognizer shows the sound of a message, and has no place for its text",
    "{%- for message in messages -%}{{- '<|im_start|>user\\n' -}}{%- if message.content is not string -%}"
    "{%- for part in message.content if part.type == 'audio' -%}{{- '<|pad|>' -}}{%- endfor -%}{%- endif -%}"
    "{{- '<|im_end|>\\n' -}}{%- endfor -%}" + PROMPT,
)
other_kind(
    "translation-asks-for-languages",
    "a translation model refuses messages without the codes of two languages",
    "{%- for message in messages -%}{%- if message.content is string or not message.content[0].source_lang -%}"
    "{{- raise_exception('content must be a list with source_lang and target_lang beside the text') -}}{%- endif -%}"
    "{{- '<|im_start|>user\\n' ~ message.content[0].text ~ '<|im_end|>\\n' -}}{%- endfor -%}" + PROMPT,
)
other_kind(
    "plays-the-user",
    "a model that plays the user: the user's header ends every conversation",
    TURNS + "{{- '<|im_start|>user\\n' -}}",
)
other_kind(
    "messages-with-a-title",
    "every message has a title besides its content",
    "{%- for message in messages -%}{{- '# ' ~ message['title'].strip() ~ '\\n' ~ message.content ~ '\\n' -}}"
    "{%- endfor -%}",
)
other_kind(
    "contents-joined",
    "a base model: contents are joined to one text without roles",
    "{{- bos_token -}}{%- for message in messages -%}{{- message.content -}}{%- endfor -%}",
    check="chat_templates/nothing-lost",
)
other_kind(
    "turns-by-end-token",
    "a dialogue model: the end token alone parts the turns, which alternate",
    "{%- for message in messages -%}{{- message.content ~ eos_token -}}{%- endfor -%}",
    check="chat_templates/null-keys",
)
other_kind(
    "messages-are-parts",
    "a base model for text and images: messages are parts of one text",
    "{%- for part in messages -%}{%- if part.type == 'text' -%}{{- part.text -}}{%- endif -%}{%- endfor -%}",
    check="chat_templates/renders",
)

mutant(
    "caller-sets-the-date",
    "the template fails unless the caller passes a variable of its own",
    source="own",
    base=CHAT,
    caught_by="chat_templates/renders",
    severity="hazard",
    summary_contains=("the variables today", "caller"),
    uses=("chat",),
)(written("{{- '<|im_start|>system\\nToday is ' + today + '.<|im_end|>\\n' -}}" + TURNS + PROMPT))
healthy(
    "needs-tools",
    "a template for tools only: a question renders where tools are offered",
    base=CHAT,
    check="chat_templates/renders",
)(
    written(
        "{{- '<|im_start|>system\\n' -}}{%- for tool in tools -%}{{- tool | tojson ~ '\\n' -}}{%- endfor -%}"
        "{{- '<|im_end|>\\n' -}}{%- for message in messages -%}{{- '<|im_start|>' ~ message.role ~ '\\n' -}}"
        "{{- message.content or '' -}}{%- for call in message.tool_calls or [] -%}{{- call.function | tojson -}}"
        "{%- endfor -%}{{- '<|im_end|>\\n' -}}{%- endfor -%}" + PROMPT
    )
)
mutant(
    "empty-system-message-breaks",
    "only an empty system message breaks the template, which then changes it",
    source="own",
    base=CHAT,
    caught_by="chat_templates/renders",
    summary_contains=("an empty system message", "not allowed in the sandbox"),
    uses=("system",),
)(
    written(
        "{%- if messages[0].role == 'system' and not messages[0].content -%}{%- set _ = messages[0].update({}) -%}"
        "{%- endif -%}" + TURNS + PROMPT
    )
)
mutant(
    "blank-lines-lost",
    "blank lines inside a user's message are left out",
    source="own",
    base=CHAT,
    caught_by=VERBATIM,
    summary_contains="other white space",
    uses=("serving",),
)(
    replaced(
        "~ text(message.content) ~ '<|im_end|>\\n' -}}",
        "~ text(message.content).replace('\\n\\n\\n\\n', '\\n').replace('\\n\\n', '\\n') ~ '<|im_end|>\\n' -}}",
    )
)
