"""The references of chat formats against strings written out by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fixtures.inputs.conversations import assistant, user
from fixtures.references.chat.coverage import covers
from fixtures.references.chat.families import FAMILIES
from fixtures.references.chat.family import CONTENT, Family
from fixtures.references.chat.learning import learn
from fixtures.references.chat.recognition import Recognised, alike, recognise
from fixtures.references.chat.speaker import CONVERSATIONS, Speaker
from fixtures.references.chat.style import Style
from selftests.chat_formats import FIRST, TALK, WRITTEN, plain
from suites.chat_templates.references.deviation import deviation


def speaker(family: Family, style: Style, tokens: frozenset[str] = frozenset()) -> Speaker:
    """A template that writes exactly this."""
    return Speaker(lambda messages, opens: family.render(messages, style, opens=opens), "<s>", "</s>", tokens)


def predicts(found: Recognised, template: Speaker) -> bool:
    """To the last character, in every fixed conversation."""
    return all(found.expected(CONVERSATIONS[name], opens=opens) == text
               for (name, opens), text in template.heard.items())  # fmt: skip


@pytest.mark.parametrize("name", FIRST)
def test_writes_the_published_format(name: str) -> None:
    assert FIRST[name].render(TALK, plain(FIRST[name]), opens=True) == WRITTEN[name]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_is_recognised_by_what_it_writes(family: Family) -> None:
    """Each family's own text leads back to it, with nothing left to differ."""
    template = speaker(family, plain(family))
    found = recognise(template)
    assert found
    assert found.family.name == family.name
    assert all(
        found.expected(CONVERSATIONS[name], opens=opens) == text for (name, opens), text in template.heard.items()
    )


@pytest.mark.parametrize(
    "style",
    [
        {"preamble": "You are a helpful assistant."},
        {"preamble": "You are a helpful assistant.", "keeps": True},
        {"preamble": "Today is Monday.\n\n", "around_system": ("Today is Monday.\n\n", "")},
        {"thought": "<think>\n\n</think>\n\n"},
        {"thought": "<think></think>", "earlier_thought": "<think></think>", "opening": "<think></think>"},
        {"opening": "<think>\n"},
        {"opens": "user"},
        {"opens": "always"},
        {"start": "<|startoftext|>"},
        {"last": "</s>"},
    ],
    ids=str,
)
@pytest.mark.parametrize("name", ["ChatML", "Llama 3"])
def test_learns_the_variants_of_published_templates(name: str, style: dict[str, Any]) -> None:
    """Default prompts, dates, think blocks, prompts that nobody asked for: predicted, and no deviation."""
    family = FIRST[name]
    template = speaker(family, replace(plain(family), **style))
    learned = learn(family, template)
    assert {field: getattr(learned, field) for field in style} == style
    found = Recognised(family, learned)
    assert all(
        found.expected(CONVERSATIONS[name], opens=opens) == text for (name, opens), text in template.heard.items()
    )


def test_a_dialect_is_learned_only_where_it_is_kept_everywhere() -> None:
    """No newline behind <|im_end|> in all turns is a dialect; in the user's turns alone it is a slip."""
    chatml = FIRST["ChatML"]
    dialect = replace(plain(chatml), options={"head": "\n", "tail": "", "next": ""})
    assert learn(chatml, speaker(chatml, dialect)).options["next"] == ""

    def slip(messages: list[dict[str, Any]], opens: bool) -> str:
        text = chatml.render(messages, plain(chatml), opens=opens) or ""
        return text.replace("<|im_start|>user\n", "<|im_start|>user ")

    found = recognise(Speaker(slip, "<s>", "</s>"))
    assert found
    seen = deviation(found, TALK, slip(TALK, True), opens=True)
    assert seen
    assert seen.part == "the header of a user's turn"


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda text: text.replace("S<|eot_id|>", "S"), "the end of the system message"),
        (lambda text: text.replace("user<|end_header_id|>\n\n", "user<|end_header_id|>\n"),
         "the header of a user's turn"),
        (lambda text: text.replace("b<|eot_id|>", "b<|eom_id|>"), "the end of an assistant's turn"),
        (lambda text: text.removesuffix("\n"), "the generation prompt"),
        (lambda text: "<s>" + text, "the header of the system message"),
    ],
)  # fmt: skip
def test_names_the_part_that_deviates(change: Callable[[str], str], part: str) -> None:
    llama_3 = FIRST["Llama 3"]
    seen = deviation(Recognised(llama_3, plain(llama_3)), TALK, change(WRITTEN["Llama 3"]), opens=True)
    assert seen
    assert seen.part == part


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n\na<", "\n\nA<"),
        lambda text: text.replace("\n\na<", "\n\nJudge this message: a<"),
        lambda text: text.replace("user<|end", "GPT4 Correct User<|end"),
    ],
    ids=["a content is changed", "words of the template's own", "a role of the model's own"],
)
def test_leaves_alone_what_is_no_matter_of_format(change: Callable[[str], str]) -> None:
    llama_3 = FIRST["Llama 3"]
    assert deviation(Recognised(llama_3, plain(llama_3)), TALK, change(WRITTEN["Llama 3"]), opens=True) is None


def test_an_unknown_format_has_no_family() -> None:
    """Nor has one that uses a family's tokens in a way of its own."""
    assert recognise(Speaker(lambda messages, opens: "".join(str(m["content"]) for m in messages), "", "")) is None
    other = Speaker(lambda messages, opens: "<|im_start|>" + "|".join(f"{m['role']}: {m['content']}" for m in messages)
                    + "<|im_end|>", "", "")  # fmt: skip
    assert recognise(other) is None


def test_half_width_bars_are_known_again_where_the_vocabulary_claims_the_family() -> None:
    deepseek = FIRST["DeepSeek"]

    def narrow(messages: list[dict[str, Any]], opens: bool) -> str:
        return (deepseek.render(messages, plain(deepseek), opens=opens) or "").replace("｜", "|")

    claimed = recognise(Speaker(narrow, "<s>", "</s>", frozenset({"<｜User｜>", "<｜Assistant｜>"})))
    assert claimed
    assert claimed.family.name == "DeepSeek"
    assert recognise(Speaker(narrow, "<s>", "</s>")) is None


def test_what_follows_a_closed_conversation_is_a_variant() -> None:
    chatml = Recognised(FIRST["ChatML"], plain(FIRST["ChatML"]))
    text = chatml.expected(TALK[:3], opens=False) or ""
    for actual in (text, text.rstrip(), text + "<|endoftext|>", text.rstrip() + "</s>", text + "\n"):
        assert alike(chatml, TALK[:3], actual, opens=False)
    assert not alike(chatml, TALK[:3], text + "<|im_start|>user\n", opens=False)
    assert not alike(chatml, TALK[:3], "\n" + text, opens=False)


@pytest.mark.parametrize(
    ("messages", "opens", "covered"),
    [
        (TALK, True, True),
        (TALK[1:3], False, True),
        (TALK[1:3], True, False),
        ([], False, False),
        ([assistant("b")], False, False),
        ([user("a"), user("b")], False, False),
        ([user(" a")], False, False),
        ([user("")], False, False),
        ([user("a /no_think")], False, False),
        ([user([{"type": "text", "text": "a"}])], False, False),
        ([user("a"), assistant("b") | {"tool_calls": []}], False, False),
    ],
)
def test_covers_only_what_all_templates_of_a_family_agree_on(messages: Any, opens: bool, covered: bool) -> None:
    assert covers(messages, opens=opens) is covered
    assert (FIRST["ChatML"].render(messages, plain(FIRST["ChatML"]), opens=opens) is not None) is covered


def test_every_part_of_a_format_has_a_label() -> None:
    """And contents are told from the rest, whatever they hold."""
    pieces = FIRST["Gemma"].pieces([user("{bos}"), assistant("b")], plain(FIRST["Gemma"]), opens=False) or []
    assert [piece.text for piece in pieces if piece.label == CONTENT] == ["{bos}", "b"]
