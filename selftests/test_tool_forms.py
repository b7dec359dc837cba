"""The forms of tools against strings written out by hand, and against templates of the gallery that write them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from fixtures.checkpoint.bare_template import BareTemplate
from fixtures.inputs.conversations import INSTRUCTION, assistant, user
from fixtures.inputs.tools import ASK, CALL, CLOCK, REPLY, RESULT, TWO_CALLS, TWO_RESULTS, WEATHER, calls, result
from fixtures.references.chat.recognition import Recognised
from fixtures.references.chat.tool_forms import FORMS
from fixtures.references.chat.tooling import Departure, Offer, Part, Spoken, covered, departure
from fixtures.templates.chat import Chat
from selftests.chat_formats import FIRST, plain
from selftests.gallery.rows import template_tool_forms as rows
from suites.chat_templates.references.with_tools import FIXED, TOOLS, fixed, form_of

TALK = [user("a"), calls({"city": "é"}), result("r"), assistant("b")]
WRITTEN: dict[str, list[str | None]] = {
    "Qwen's (Hermes)": ["<|im_start|>system\n", None, "<tools>\n", "\n</tools>", None, "<|im_end|>\n"
                        "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n<tool_call>\n"
                        '{"name": "get_weather", "arguments": {"city": "é"}}\n</tool_call><|im_end|>\n'
                        "<|im_start|>user\n<tool_response>\nr\n</tool_response><|im_end|>\n"
                        "<|im_start|>assistant\nb<|im_end|>\n"],
    "Llama 3.1's JSON": [None, "<|start_header_id|>user<|end_header_id|>\n\n", None, "a<|eot_id|>"
                         "<|start_header_id|>assistant<|end_header_id|>\n\n"
                         '{"name": "get_weather", "parameters": {"city": "é"}}<|eot_id|>'
                         "<|start_header_id|>ipython<|end_header_id|>\n\nr<|eot_id|>"
                         "<|start_header_id|>assistant<|end_header_id|>\n\nb<|eot_id|>"],
    "Mistral's lists of JSON": ["<s>[AVAILABLE_TOOLS][", "][/AVAILABLE_TOOLS]", "[INST]a[/INST]"
                                '[TOOL_CALLS][{"name": "get_weather", "arguments": {"city": "é"}, "id": "call12345"}]'
                                '</s>[TOOL_RESULTS]{"content": "r", "call_id": "call12345"}[/TOOL_RESULTS]b</s>'],
    "harmony's functions": ["<|start|>system<|message|>", None, "\nCalls to these tools must go to the commentary "
                            "channel: 'functions'.<|end|><|start|>developer<|message|># Tools\n\n## functions\n\n"
                            "namespace functions {\n\n// Tells the time.\ntype get_time = () => any;\n\n"
                            "} // namespace functions<|end|><|start|>user<|message|>a<|end|><|start|>assistant"
                            "<|channel|>commentary to=functions.get_weather <|constrain|>json<|message|>"
                            '{"city":"é"}<|call|><|start|>functions.get_weather to=assistant<|channel|>commentary'
                            "<|message|>r<|end|><|start|>assistant<|channel|>final<|message|>b<|end|>"],
}  # fmt: skip
TEMPLATES = {"Qwen's (Hermes)": rows.QWEN_TEMPLATE,
             "Llama 3.1's JSON": rows.LLAMA_TEMPLATE,
             "Mistral's lists of JSON": rows.MISTRAL_TEMPLATE,
             "harmony's functions": rows.HARMONY_TEMPLATE}  # fmt: skip


def spoken(name: str) -> Spoken:
    form = next(each for each in FORMS if each.name == name)
    family = FIRST[form.families[0]]
    style = replace(plain(family), start="<s>" if name.startswith("Mistral") else "")
    options = {option: values[0] for option, values in form.options.items()}
    return Spoken(form, Recognised(family, style), options)


@pytest.mark.parametrize("name", WRITTEN)
def test_writes_the_published_form(name: str) -> None:
    parts = spoken(name).parts(Offer(TALK, [CLOCK])) or []
    texts = "".join("\0" if part.text is None else part.text for part in parts)
    for piece in [each for each in WRITTEN[name] if each is not None]:
        assert piece in texts
    assert texts.count("\0") == WRITTEN[name].count(None)


@pytest.mark.parametrize("name", TEMPLATES)
def test_is_recognised_and_predicted(name: str) -> None:
    """A template that writes the form, character by character, in every fixed conversation."""
    chat = Chat(BareTemplate(TEMPLATES[name]))
    found = form_of(chat)
    assert found
    assert found.form.name == name
    compared = [(title, offer, text) for title, (offer, text) in fixed(chat) if found.parts(offer)]
    assert len(compared) > 5
    assert not [title for title, offer, text in compared if departure(found.parts(offer) or [], text)]


def test_no_reference_where_the_form_is_another() -> None:
    """ChatML with tools in a way of its own, and a family whose tools nobody has written down here."""
    assert form_of(Chat(BareTemplate(rows.QWEN_TEMPLATE.replace("<args-json-object>", "<arguments>")))) is None


@pytest.mark.parametrize(
    ("messages", "opens", "expected"),
    [
        (TALK, False, True),
        ([ASK, CALL, RESULT], True, True),
        ([ASK, TWO_CALLS, *TWO_RESULTS], False, True),
        ([INSTRUCTION, ASK], True, True),
        (TALK, True, False),
        ([ASK, calls('{"city": "x"}')], False, False),
        ([ASK, CALL | {"thinking": "x"}], False, False),
        ([ASK, CALL, RESULT | {"content": " x"}], False, False),
        ([CALL, RESULT], False, False),
        ([INSTRUCTION], False, False),
    ],
)
def test_covers_what_the_forms_agree_on(messages: Any, opens: bool, expected: bool) -> None:
    assert covered(Offer(messages, TOOLS, opens)) is expected


PARTS = [Part("start", "<a>"), Part("words", None), Part("tools", "[x]"), Part("end", "</a>\n")]


@pytest.mark.parametrize(
    ("text", "label", "at"),
    [
        ("<a>Some words[x]</a>\n", None, 0),
        ("<a>[x]</a>", None, 0),
        ("<b>Some words[x]</a>\n", "start", 0),
        ("<a>Some words[y]</a>\n", "tools", 3),
        ("<a>Some words[x]<a>\n", "end", 16),
        ("<a>Some words[x]</a>\nmore", "the end", 21),
    ],
)
def test_finds_the_part_that_departs(text: str, label: str | None, at: int) -> None:
    gone = departure(PARTS, text)
    assert (gone and gone.part.label) == label
    assert not isinstance(gone, Departure) or gone.at == at


def test_every_fixed_conversation_is_covered() -> None:
    assert all(covered(Offer(messages, TOOLS)) for messages in FIXED.values())
    assert REPLY in FIXED["a call, its result and the reply"]
    assert WEATHER in TOOLS
