"""Chat: renders and ids of a template, each failure told for what it is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fixtures.files.problems import CannotRunHere
from fixtures.files.source import Source
from fixtures.subjects.subject import Subject
from fixtures.templates.chat import NEEDLE, Chat, TemplateBreaks, TemplateRejects, stop_ids

CHATML = (
    "{% for m in messages %}<|im_start|> {{ m.role }} {{ m.content }} <|im_end|> {% endfor %}"
    "{% if add_generation_prompt %}<|im_start|> assistant {% endif %}"
)
HELLO = [{"role": "user", "content": "hello"}]
WORDS = ("[UNK]", "<|im_start|>", "<|im_end|>", "user", "assistant", "hello", "fine")


@pytest.fixture
def chat_of() -> Callable[[str], Chat]:
    """Makes the Chat of a template on a tokenizer of seven words."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    def make(template: Any) -> Chat:
        vocabulary = {word: number for number, word in enumerate(WORDS)}
        backend = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
        backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<|im_end|>", unk_token="[UNK]")
        tokenizer.chat_template = template
        return Chat(tokenizer)

    return make


def test_renders_text_and_ids(chat_of: Callable[[str], Chat]) -> None:
    """Text as the template writes it, ids as a plain list in every version of the library."""
    chat = chat_of(CHATML)
    assert chat.render(HELLO) == "<|im_start|> user hello <|im_end|> "
    assert chat.ids(HELLO, add_generation_prompt=True) == [1, 3, 5, 2, 1, 4]


def test_tells_a_refusal_from_a_failure(chat_of: Callable[[str], Chat]) -> None:
    """raise_exception is a strictness with a reason; all else is a failure that names its kind."""
    with pytest.raises(TemplateRejects, match="no system role"):
        chat_of("{{ raise_exception('no system role') }}").render(HELLO)
    with pytest.raises(TemplateBreaks, match="SecurityError"):
        chat_of("{{ ''.__class__.__mro__ }}").render(HELLO)
    with pytest.raises(TemplateBreaks, match="TemplateSyntaxError"):
        chat_of("{% if %}").render(HELLO)
    with pytest.raises(TemplateBreaks, match="UndefinedError"):
        chat_of("{{ messages[9].content.strip() }}").render(HELLO)


def test_renders_each_conversation_once(chat_of: Callable[[str], Chat], monkeypatch: pytest.MonkeyPatch) -> None:
    """Checks share renders, also between two Chats of one tokenizer; `fresh` passes the cache by."""
    chat = chat_of(CHATML)
    calls: list[Any] = []
    real = chat.tokenizer.apply_chat_template

    def counted(messages: Any, **options: Any) -> Any:
        calls.append(messages)
        return real(messages, **options)

    monkeypatch.setattr(chat.tokenizer, "apply_chat_template", counted)
    chat.render(HELLO)
    before = len(calls)
    assert chat.render(HELLO) == Chat(chat.tokenizer).render(HELLO)
    assert len(calls) == before
    chat.render(HELLO, fresh=True)
    assert len(calls) == before + 1


def test_does_not_change_what_it_is_given(chat_of: Callable[[str], Chat]) -> None:
    """A template can call methods of the messages; it gets copies."""
    messages = [{"role": "user", "content": "hello", "tags": ["a"]}]
    kept = json.dumps(messages)
    chat = chat_of("{% for m in messages %}{{ m.content }}{% set _ = m.update(role='x') %}{% endfor %}")
    assert not chat.accepts(messages)
    assert json.dumps(messages) == kept


def test_wraps_content_where_the_template_wants_parts(chat_of: Callable[[str], Chat]) -> None:
    """Templates of image-text models take a list of typed parts, and print nothing of a string."""
    chat = chat_of("{% for m in messages %}{% for part in m.content %}{{ part.text }}{% endfor %}{% endfor %}")
    assert chat.wants_parts
    assert chat.render(HELLO) == "hello"
    assert not chat_of(CHATML).wants_parts


def test_tells_how_a_turn_ends(chat_of: Callable[[str], Chat]) -> None:
    """The text after the assistant's content, at the end of a conversation and before the next turn."""
    chat = chat_of(CHATML)
    assert chat.ending == " <|im_end|> "
    assert chat.handover == " <|im_end|> <|im_start|> user "
    assert chat_of(f"{{{{ messages[0].content }}}} never {NEEDLE[:3]}").ending is None


def test_prefers_the_default_of_several_templates(chat_of: Callable[[Any], Chat]) -> None:
    chat = chat_of({"tool_use": "tools", "default": "plain"})
    assert (chat.template, chat.render(HELLO)) == ("plain", "plain")


def test_a_tokenizer_without_template_cannot_chat(chat_of: Callable[[Any], Chat]) -> None:
    with pytest.raises(CannotRunHere, match="processor"):
        chat_of(None)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"generation_config.json": {"eos_token_id": [7, 8]}, "config.json": {"eos_token_id": 9}},
         ([7, 8], "generation_config.json")),
        ({"generation_config.json": {}, "config.json": {"eos_token_id": 9}}, ([9], "config.json")),
        ({}, ([2], "tokenizer_config.json")),
    ],
)  # fmt: skip
def test_finds_the_ids_that_stop(
    files: dict[str, Any], expected: tuple[list[int], str], tmp_path: Path, chat_of: Callable[[str], Chat]
) -> None:
    """generation_config.json decides, then config.json, then the tokenizer."""
    (tmp_path / "tokenizer.json").write_text("{}")
    for name, content in files.items():
        (tmp_path / name).write_text(json.dumps(content))
    subject = Subject("toy", Source(str(tmp_path), "directory", str(tmp_path)))
    assert stop_ids(subject, chat_of(CHATML).tokenizer) == expected
