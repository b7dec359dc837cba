"""Defects in the text of messages: changed, cut, escaped, or different from call to call."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits.files import edit_template, prepend_template, unchanged
from selftests.gallery.edits.templates import PROMPT, USER_TURN, replaced
from selftests.gallery.registry import CHAT, healthy, mutant

NO_CONTENT = "{%- elif content is not defined or content is none -%}"
ARGUMENTS = "{{- (function.arguments or {}) | tojson -}}"
USER_CONTENT = "~ text(message.content) ~ '<|im_end|>\\n' -}}"


@mutant(
    "prompt-with-date",
    "the prompt changes with the clock",
    number="C10",
    source="huggingface/trl llama3_2.jinja",
    base=CHAT,
    caught_by="chat_templates/clock-independent",
    severity="hazard",
    summary_contains="clock",
)
def prompt_with_date(directory: Path) -> None:
    edit_template(
        directory,
        "{{- '<|im_start|>system\\n' -}}",
        "{{- '<|im_start|>system\\nToday is ' ~ strftime_now('%d %B %Y') ~ '. ' -}}",
    )


mutant(
    "long-messages-cut",
    "long messages are cut",
    number="CX12",
    source="own",
    base=CHAT,
    caught_by="chat_templates/content-verbatim",
    summary_contains="a message of 1,500 words",
)(replaced(USER_TURN, USER_TURN.replace("text(message.content)", "text(message.content)[:2000]")))


mutant(
    "late-questions-dropped",
    "questions late in a conversation are left out",
    number="CX13",
    source="own",
    base=CHAT,
    caught_by="chat_templates/content-verbatim",
    summary_contains=("32 messages", "message 13"),
)(replaced(USER_TURN, "~ (text(message.content) if loop.index0 < 12 else '') ~ '<|im_end|>\\n' -}}"))


mutant(
    "indentation-lost",
    "the lines of a text lose their indentation",
    number="M20",
    source="own",
    base=CHAT,
    caught_by="chat_templates/content-verbatim",
    summary_contains="indented code",
)(replaced(USER_TURN, "~ (text(message.content).split('\\n') | map('trim') | join('\\n')) ~ '<|im_end|>\\n' -}}"))


mutant(
    "user-text-twice",
    "the user's text is in the prompt twice",
    number="M22",
    source="own",
    base=CHAT,
    caught_by="chat_templates/content-verbatim",
    summary_contains="2 times",
)(replaced(USER_TURN, "~ text(message.content) ~ '\\n' " + USER_TURN))


mutant(
    "non-ascii-escaped",
    "characters outside ASCII are escaped: only generated conversations and one fixed text have them",
    number="M23",
    source="own",
    base=CHAT,
    caught_by="chat_templates/content-verbatim",
    summary_contains="many scripts",
)(replaced(USER_TURN, "~ text(message.content).encode('ascii', 'backslashreplace').decode() ~ '<|im_end|>\\n' -}}"))


@mutant(
    "no-think-deleted-from-user",
    "'/no_think' in a user's text is obeyed and deleted",
    number="C27",
    base=CHAT,
    summary_contains="/no_think",
    uses=("reasoning", "serving"),
    source="Blackwellboy/model-serving-minefield trap 66",
    caught_by="chat_templates/content-verbatim",
)
def no_think_deleted_from_user(directory: Path) -> None:
    edit_template(directory, USER_CONTENT, "~ text(message.content).replace('/no_think', '') ~ '<|im_end|>\\n' -}}")


@mutant(
    "content-html-escaped",
    "content is HTML-escaped",
    number="S03",
    source="own",
    base=CHAT,
    caught_by="chat_templates/content-verbatim",
    summary_contains="&",
    uses=("chat",),
)
def content_html_escaped(directory: Path) -> None:
    edit_template(directory, USER_CONTENT, "~ (text(message.content) | e) ~ '<|im_end|>\\n' -}}")


@mutant(
    "content-lower-cased",
    "content is lower-cased",
    number="S04",
    source="own",
    base=CHAT,
    caught_by="chat_templates/content-verbatim",
    summary_contains="content",
)
def content_lower_cased(directory: Path) -> None:
    edit_template(directory, USER_CONTENT, "~ (text(message.content) | lower) ~ '<|im_end|>\\n' -}}")


mutant(
    "random-prompt",
    "chance decides about the prompt",
    number="M08",
    source="own",
    base=CHAT,
    caught_by="chat_templates/deterministic",
    summary_contains="differently",
)(lambda directory: prepend_template(directory, "{{- 'seed ' ~ (range(99999) | random) ~ '\\n' -}}"))


mutant(
    "method-printed",
    "a method is printed instead of called",
    number="M09",
    source="own",
    base=CHAT,
    caught_by="chat_templates/deterministic",
    summary_contains="Python object",
)(replaced(PROMPT, "{%- if messages -%}{{- messages[0].role.strip -}}{%- endif -%}\n" + PROMPT))


def forgets_the_tools(tokenizer: Any) -> None:
    """Removes rendered tool calls from the caller's messages, as a method of remote code may."""
    render = tokenizer.apply_chat_template

    def taking_out(conversation: Any, *args: Any, **options: Any) -> Any:
        text = render(conversation, *args, **options)
        for message in conversation if isinstance(conversation, list) else []:
            message.pop("tool_calls", None)
        return text

    tokenizer.apply_chat_template = taking_out


mutant(
    "template-pops-tool-calls",
    "rendering takes the tool calls out of the application's messages",
    number="M10",
    source="own",
    base=CHAT,
    caught_by="chat_templates/input-unchanged",
    summary_contains="changes the messages",
    patch_tokenizer=forgets_the_tools,
)(unchanged)


mutant(
    "null-content-printed",
    "a tool call without content prints the word None",
    number="M11",
    source="huggingface/transformers#45419",
    base=CHAT,
    caught_by="chat_templates/null-keys",
    summary_contains="None",
)(replaced(NO_CONTENT, NO_CONTENT + "{{- none -}}"))


mutant(
    "null-content-breaks",
    "a tool call without content breaks the template (Qwen 3)",
    number="M12",
    source="huggingface/speech-to-speech#414",
    base=CHAT,
    caught_by="chat_templates/null-keys",
    severity="hazard",
    summary_contains="content is null",
)(replaced(NO_CONTENT, "{%- elif content is not defined or content is none -%}{{- content.strip() + '' -}}"))


mutant(
    "non-text-arguments-break",
    "arguments that are no text break the template: only generated conversations have them",
    number="M19",
    source="own",
    base=CHAT,
    caught_by="chat_templates/renders",
    summary_contains=("generated conversation", "TypeError"),
)(replaced(ARGUMENTS, "{%- for key, value in function.arguments.items() -%}{{- key + '=' + value -}}{%- endfor -%}"))


@mutant(
    "template-syntax-error",
    "the template has a syntax error",
    number="S05",
    source="own",
    base=CHAT,
    caught_by="chat_templates/renders",
    summary_contains="Syntax",
)
def template_syntax_error(directory: Path) -> None:
    prepend_template(directory, "{% if %}")


@healthy(
    "date-from-the-caller",
    "a date is in the prompt only if the caller passes it",
    base=CHAT,
    check="chat_templates/clock-independent",
)
def date_from_the_caller(directory: Path) -> None:
    edit_template(
        directory,
        "{{- '<|im_start|>system\\n' -}}",
        "{{- '<|im_start|>system\\n' ~ ('Today is ' ~ date_string ~ '. ' if date_string) -}}",
    )


@healthy(
    "strict-alternation",
    "roles that do not alternate are refused with a message",
    base=CHAT,
    check="chat_templates/renders",
)
def strict_alternation(directory: Path) -> None:
    prepend_template(
        directory,
        "{%- for message in messages -%}{%- if message.role == 'user' and not loop.first"
        " and loop.previtem.role == 'user' -%}{{- raise_exception('Roles must alternate.') -}}{%- endif -%}"
        "{%- endfor -%}",
    )
