from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fixtures.inputs.conversations import QUESTION, user
from fixtures.inputs.tools import WEATHER
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from fixtures.templates.chat import NEEDLE, Message, TemplateBreaks, TemplateFails, template_failures
from fixtures.templates.stored import DEFAULT, NAMED, stored_templates
from suites.chat_templates.affected import raise_by_use
from suites.chat_templates.evidence import shown
from suites.chat_templates.files.stored_templates import loaded_templates
from suites.findings import Defect, Finding, Hazard, NotApplicable, Record

DOCUMENTS = [{"title": "Zoo", "text": "A zoo keeps animals.", "contents": "A zoo keeps animals."}]
FLAT: dict[str, Any] = {
    "name": "get_weather",
    "description": "Tells the weather in a city.",
    "parameter_definitions": {"city": {"type": "str", "description": "", "required": True}},
}
"""A tool in the format of Cohere's API before JSON schemas."""
OPTIONS: tuple[dict[str, Any], ...] = ({}, {"tools": [WEATHER]}, {"documents": DOCUMENTS},
                                       {"tools": [WEATHER], "documents": DOCUMENTS})  # fmt: skip
"""Options for which templates of other names than `default` are meant."""


@needs("template_files")
@uses("chat", "tools")
def test_named_templates_render(subject: Subject, tokenizer: Any, record: Record) -> None:
    """Every named template renders a question, with tools or documents if it is meant for these.

    Why: templates for tools or retrieval are selected by name and rarely tested; without one called default,
        apply_chat_template raises an error unless it is given a name.
    Fix: Correct or remove the template; call the one for plain chats default, in chat_template.jinja.
    Source: https://github.com/huggingface/transformers/pull/31429;
        https://github.com/huggingface/transformers/pull/36588
    """
    found = loaded_templates(tokenizer)
    several = isinstance(getattr(tokenizer, "chat_template", None), dict)
    record.capability("chat.named_templates", " ".join(found) if several else "none")
    if not several:
        raise NotApplicable("the tokenizer has one template, without a name")
    record.tested(*dict.fromkeys(use_of(name) for name in found))
    raise_by_use(findings(subject, tokenizer, found))


def findings(subject: Subject, tokenizer: Any, found: dict[str, str]) -> Iterator[Finding]:
    if DEFAULT not in found:
        yield Defect(without_default(subject, found), evidence={"templates": sorted(found)}, uses=("chat",))
    for name in found:
        yield from of_template(tokenizer, name, use_of(name))


def use_of(name: str) -> str:
    """The use that a template's name says: `tool_use` is for tools, any other name for chats."""
    return "tools" if "tool" in name else "chat"


def without_default(subject: Subject, found: dict[str, str]) -> str:
    """Summary for a lost or missing default template; the library reads .jinja files or tokenizer_config.json."""
    lost = [each.file for each in stored_templates(subject.path) if each.name == DEFAULT]
    names = ", ".join(sorted(found))
    if lost:
        return f"The default template in {lost[0]} is not loaded: the files in {NAMED} ({names}) replace it."
    return f"No chat template is called default, only {names}: apply_chat_template fails unless it is given a name."


def of_template(tokenizer: Any, name: str, use: str) -> Iterator[Finding]:
    """A finding if a template fails with all options; a refusal with a reason is right."""
    tries = [attempt(tokenizer, name, options) for options in OPTIONS]
    if any(isinstance(each, str) and NEEDLE in each for each in tries):
        return
    texts = [each for each in tries if isinstance(each, str)]
    if texts:
        summary = f"The template {name} does not show the user's question."
        yield Defect(summary, evidence={"render": shown(texts[0])}, uses=(use,))
        return
    failures = {"failures": [str(each) for each in tries]}
    if isinstance(attempt(tokenizer, name, {"tools": [FLAT]}), str):
        yield Hazard(
            f"The template {name} fails on tools given as JSON schemas: it expects the format shown in the evidence.",
            evidence=failures | {"takes": FLAT},
            fix="Pass tools in this format, or correct the template.",
            uses=("tools",),
        )
        return
    broken = next((each for each in tries if isinstance(each, TemplateBreaks)), None)
    if broken:
        summary = f"The template {name} fails on a question, with tools, documents or neither: {broken}."
        yield Defect(summary, evidence=failures, uses=(use,))


def attempt(tokenizer: Any, name: str, options: dict[str, Any]) -> str | TemplateFails:
    question: Message = user(f"{QUESTION['content']} {NEEDLE}")
    try:
        with template_failures():
            return str(tokenizer.apply_chat_template([question], chat_template=name, tokenize=False, **options))
    except TemplateFails as failure:
        return failure
