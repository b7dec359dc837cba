"""The references of chat formats: against strings written out here, and against the vendors' own packages."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from fixtures.inputs.conversations import assistant, system, user
from fixtures.references.chat import harmony, llama, mistral, official
from fixtures.references.chat.coverage import covers
from fixtures.references.chat.families import FAMILIES
from fixtures.references.chat.family import CONTENT, Family
from fixtures.references.chat.learning import learn
from fixtures.references.chat.recognition import Recognised, alike, recognise
from fixtures.references.chat.speaker import CONVERSATIONS, Speaker
from fixtures.references.chat.style import Style
from fixtures.references.reference import ReferenceMissing
from fixtures.subjects.builtin import packages
from suites.chat_templates.references.deviation import deviation

TALK = [system("S"), user("a"), assistant("b"), user("c")]
FIRST = dict(reversed([(family.name, family) for family in FAMILIES]))

# What each format makes of TALK with a prompt for the answer, as its source shows it; BOS is <s> and EOS </s>.
WRITTEN = {
    "ChatML": "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n"
    "<|im_start|>user\nc<|im_end|>\n<|im_start|>assistant\n",
    "Llama 3": "<s><|start_header_id|>system<|end_header_id|>\n\nS<|eot_id|><|start_header_id|>user<|end_header_id|>"
    "\n\na<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\nb<|eot_id|><|start_header_id|>user"
    "<|end_header_id|>\n\nc<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
    "Llama 4": "<s><|header_start|>system<|header_end|>\n\nS<|eot|><|header_start|>user<|header_end|>\n\na<|eot|>"
    "<|header_start|>assistant<|header_end|>\n\nb<|eot|><|header_start|>user<|header_end|>\n\nc<|eot|>"
    "<|header_start|>assistant<|header_end|>\n\n",
    "Llama 2": "<s>[INST] <<SYS>>\nS\n<</SYS>>\n\na [/INST] b </s><s>[INST] c [/INST]",
    "Mistral v1": "<s>[INST] S\n\na [/INST]b</s>[INST] c [/INST]",
    "Mistral v3": "<s>[INST]a[/INST]b</s>[INST]S\n\nc[/INST]",
    "Mistral v7": "<s>[SYSTEM_PROMPT]S[/SYSTEM_PROMPT][INST]a[/INST]b</s>[INST]c[/INST]",
    "Gemma": "<s><start_of_turn>user\nS\n\na<end_of_turn>\n<start_of_turn>model\nb<end_of_turn>\n<start_of_turn>user\nc"
    "<end_of_turn>\n<start_of_turn>model\n",
    "Gemma 4": "<s><|turn>system\nS<turn|>\n<|turn>user\na<turn|>\n<|turn>model\nb<turn|>\n<|turn>user\nc<turn|>\n"
    "<|turn>model\n",
    "Phi-3": "<|system|>\nS<|end|>\n<|user|>\na<|end|>\n<|assistant|>\nb<|end|>\n<|user|>\nc<|end|>\n<|assistant|>\n",
    "Phi-4": "<|im_start|>system<|im_sep|>S<|im_end|><|im_start|>user<|im_sep|>a<|im_end|><|im_start|>assistant"
    "<|im_sep|>b<|im_end|><|im_start|>user<|im_sep|>c<|im_end|><|im_start|>assistant<|im_sep|>",
    "Phi-4 mini": "<|system|>S<|end|><|user|>a<|end|><|assistant|>b<|end|><|user|>c<|end|><|assistant|>",
    "DeepSeek": "<s>S<｜User｜>a<｜Assistant｜>b<｜end▁of▁sentence｜><｜User｜>c<｜Assistant｜>",
    "harmony": "<|start|>developer<|message|># Instructions\n\nS<|end|><|start|>user<|message|>a<|end|>"
    "<|start|>assistant<|channel|>final<|message|>b<|end|><|start|>user<|message|>c<|end|><|start|>assistant",
    "Zephyr": "<|system|>\nS</s>\n<|user|>\na</s>\n<|assistant|>\nb</s>\n<|user|>\nc</s>\n<|assistant|>\n",
    "Tülu": "<|system|>\nS\n<|user|>\na\n<|assistant|>\nb</s>\n<|user|>\nc\n<|assistant|>\n",
    "Command R": "<s><|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>S<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|USER_TOKEN|>"
    "a<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>b<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|>"
    "<|USER_TOKEN|>c<|END_OF_TURN_TOKEN|><|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>",
    "Granite": "<|start_of_role|>system<|end_of_role|>S<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>a"
    "<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>b<|end_of_text|>\n<|start_of_role|>user<|end_of_role|>c"
    "<|end_of_text|>\n<|start_of_role|>assistant<|end_of_role|>",
    "Yi 1.5": "S<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n<|im_start|>user\nc<|im_end|>\n"
    "<|im_start|>assistant\n",
    "GLM": "[gMASK]<sop><|system|>\nS<|user|>\na<|assistant|>\nb<|user|>\nc<|assistant|>",
    "MiniMax": "]~!b[]~b]system\nS[e~[\n]~b]user\na[e~[\n]~b]ai\nb[e~[\n]~b]user\nc[e~[\n]~b]ai\n",
    "FunctionGemma": "<s><start_of_turn>developer\nS<end_of_turn>\n<start_of_turn>user\na<end_of_turn>\n"
    "<start_of_turn>model\nb<end_of_turn>\n<start_of_turn>user\nc<end_of_turn>\n<start_of_turn>model\n",
}
WITH_BOS = {name for name, text in WRITTEN.items() if text.startswith("<s>")}


def plain(family: Family) -> Style:
    """The family's first choices."""
    options = {name: values[0] for name, values in {**family.options, **family.dialects}.items()}
    style = Style("<s>", "</s>", options=options, opens=family.opens[0])
    start = "<s>" if family.name in WITH_BOS else family.starts[0].replace("{bos}", "")
    return replace(style, start=start)


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


def official_text(vocabulary: str, newest: bool, messages: list[dict[str, Any]]) -> str:
    """What mistral-common writes, control tokens and spaces made visible by its own decoder."""
    pytest.importorskip("mistral_common", exc_type=ImportError)
    try:
        encoder = mistral.encoder(vocabulary, newest=newest)
    except ReferenceMissing as missing:
        pytest.skip(str(missing))
    file = mistral.NEWEST if newest and "v2" in vocabulary else mistral.FILES[vocabulary]
    path = packages.model_file(mistral.DISTRIBUTION, file, subject=vocabulary)
    kind = "tekken" if "tekken" in file else "sentencepiece"
    name = {"tekken": "Tekkenizer", "sentencepiece": "SentencePieceTokenizer"}[kind]
    model = getattr(importlib.import_module(f"mistral_common.tokens.tokenizers.{kind}"), name)
    text: str = getattr(model, "from_file", model)(path)._to_string(encoder.encode(messages))
    return text.replace("▁", " ").replace("<0x0A>", "\n")


@pytest.mark.parametrize(
    ("family", "vocabulary", "options"),
    [
        ("Mistral v1", "Mistral v1", {"gap": " ", "tail": "", "between": " "}),
        ("Mistral v3", "Mistral v2 and later", {"gap": " "}),
        ("Mistral v3", "Mistral's tekken", {"gap": ""}),
        ("Mistral v7", "Mistral v2 and later", {"gap": " "}),
        ("Mistral v7", "Mistral's tekken", {"gap": ""}),
    ],
)
@pytest.mark.parametrize("messages", [TALK, TALK[:3], TALK[1:]], ids=["system", "ends in an answer", "no system"])
def test_mistral_formats_are_those_of_mistral_common(
    family: str, vocabulary: str, options: dict[str, str], messages: list[dict[str, Any]]
) -> None:
    start = "<s> " if family == "Mistral v1" else "<s>"
    style = replace(plain(FIRST[family]), start=start, options=options)
    ours = FIRST[family].render(messages, style, opens=messages[-1]["role"] == "user")
    assert ours == official_text(vocabulary, family == "Mistral v7", messages)


@pytest.mark.parametrize(("family", "bos"), [("Llama 3", "<|begin_of_text|>"), ("Llama 4", "<|begin_of_text|>")])
def test_llama_formats_are_those_of_llama_models(family: str, bos: str) -> None:
    pytest.importorskip("PIL")
    try:
        ids = llama.encoder(family).encode(TALK)
    except ReferenceMissing as missing:
        pytest.skip(str(missing))
    model = importlib.import_module(f"llama_models.{llama.FOLDERS[family]}.tokenizer").Tokenizer.get_instance()
    style = replace(plain(FIRST[family]), start=bos)
    assert model.decode(ids) == FIRST[family].render(TALK, style, opens=True)


def test_a_package_that_is_missing_is_named() -> None:
    with pytest.raises(ReferenceMissing, match="pip install --no-deps nowhere` and `pip install pillow"), \
            official.installed("the encoder", "nowhere", "pillow"):  # fmt: skip
        importlib.import_module("nowhere_to_be_found")


def test_official_encoders_get_the_words_that_the_template_adds() -> None:
    """So that what is left to differ is the format."""
    llama_3, gpt = FIRST["Llama 3"], FIRST["harmony"]
    dated = Recognised(llama_3, replace(plain(llama_3), preamble="D", around_system=("D", "")))
    assert official.spoken(dated, TALK[1:]) == [system("D"), *TALK[1:]]
    assert official.spoken(dated, TALK) == [system("DS"), *TALK[1:]]
    both = Recognised(gpt, replace(plain(gpt), preamble="P"))
    assert official.spoken(both, TALK) == [system("P"), {"role": "developer", "content": "S"}, *TALK[1:]]
    assert official.spoken(Recognised(gpt, replace(plain(gpt), opening="<think>")), TALK) is None


def test_a_vocabulary_becomes_a_rank_file() -> None:
    """Byte letters are those of GPT-2: a space is Ġ, a newline Ċ."""
    letters = harmony.byte_letters()
    assert len(set(letters.values())) == 256
    assert (letters[0x20], letters[0x0A], letters[0x41], letters[0xAD]) == ("Ġ", "Ċ", "A", "Ń")

    class Vocabulary:
        def convert_ids_to_tokens(self, ids: list[int]) -> list[str]:
            return ["Ġa"] * len(ids)

    assert harmony.ranks(Vocabulary()).splitlines()[:2] == [b"IGE= 0", b"IGE= 1"]


def test_every_part_of_a_format_has_a_label() -> None:
    """And contents are told from the rest, whatever they hold."""
    pieces = FIRST["Gemma"].pieces([user("{bos}"), assistant("b")], plain(FIRST["Gemma"]), opens=False) or []
    assert [piece.text for piece in pieces if piece.label == CONTENT] == ["{bos}", "b"]
