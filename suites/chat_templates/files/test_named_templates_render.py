from __future__ import annotations

from typing import Any

from fixtures.inputs.conversations import QUESTION, user
from fixtures.inputs.tools import WEATHER
from fixtures.session.needs import needs
from fixtures.subjects.subject import Subject
from fixtures.templates.chat import NEEDLE, Message, TemplateBreaks, TemplateFails, template_failures
from suites.chat_templates.evidence import shown
from suites.chat_templates.files.stored_templates import DEFAULT, NAMED, loaded_templates, stored_templates
from suites.findings import Defect, Hazard, Record

DOCUMENTS = [{"title": "Zoo", "text": "A zoo keeps animals.", "contents": "A zoo keeps animals."}]
FLAT: dict[str, Any] = {
    "name": "get_weather",
    "description": "Tells the weather in a city.",
    "parameter_definitions": {"city": {"type": "str", "description": "", "required": True}},
}
"""A tool as Cohere's API had it, before JSON schemas were agreed on."""
OPTIONS: tuple[dict[str, Any], ...] = ({}, {"tools": [WEATHER]}, {"documents": DOCUMENTS},
                                       {"tools": [WEATHER], "documents": DOCUMENTS})  # fmt: skip
"""What templates of other names than `default` are for."""


@needs("template_files")
def test_named_templates_render(subject: Subject, tokenizer: Any, record: Record) -> None:
    """Every named template renders a question, with tools or documents where it is for these, and shows it.

    Why: a template for tools or retrieval is used by name and rarely tried; and where none is called default,
        apply_chat_template stops unless it is given a name.
    Fix: Mend or remove the template; call the one for plain chats default, in chat_template.jinja.
    Source: https://github.com/huggingface/transformers/pull/31429;
        https://github.com/huggingface/transformers/pull/36588
    """
    found = loaded_templates(tokenizer)
    several = isinstance(getattr(tokenizer, "chat_template", None), dict)
    record.capability("chat.named_templates", " ".join(found) if several else "none")
    if not several:
        return
    if DEFAULT not in found:
        raise Defect(without_default(subject, found), evidence={"templates": sorted(found)})
    for name in found:
        renders(tokenizer, name)


def without_default(subject: Subject, found: dict[str, str]) -> str:
    """The library takes either the .jinja files or tokenizer_config.json, never some of each."""
    lost = [each.file for each in stored_templates(subject.path) if each.name == DEFAULT]
    names = ", ".join(sorted(found))
    if lost:
        return f"The default template in {lost[0]} is lost: the files in {NAMED} ({names}) replace it."
    return f"No chat template is called default, there are only {names}: apply_chat_template needs a name."


def renders(tokenizer: Any, name: str) -> None:
    """A template may want tools or documents, and may refuse by name what it is not for."""
    __tracebackhide__ = True
    tries = [attempt(tokenizer, name, options) for options in OPTIONS]
    if any(isinstance(each, str) and NEEDLE in each for each in tries):
        return
    texts = [each for each in tries if isinstance(each, str)]
    if texts:
        raise Defect(f"The template {name} does not show what the user says.", evidence={"render": shown(texts[0])})
    failures = {"failures": [str(each) for each in tries]}
    if isinstance(attempt(tokenizer, name, {"tools": [FLAT]}), str):
        raise Hazard(f"The template {name} breaks on tools given as JSON schemas, it takes them in a form of its own.",
                     evidence=failures | {"takes": FLAT},
                     remedy="Pass tools in that form, or mend the template.")  # fmt: skip
    broken = next((each for each in tries if isinstance(each, TemplateBreaks)), None)
    if broken:
        raise Defect(f"The template {name} breaks on a question, with tools, documents or neither: {broken}.",
                     evidence=failures)  # fmt: skip


def attempt(tokenizer: Any, name: str, options: dict[str, Any]) -> str | TemplateFails:
    question: Message = user(f"{QUESTION['content']} {NEEDLE}")
    try:
        with template_failures():
            return str(tokenizer.apply_chat_template([question], chat_template=name, tokenize=False, **options))
    except TemplateFails as failure:
        return failure
