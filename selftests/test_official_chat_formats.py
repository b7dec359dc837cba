"""The references of chat formats against the packages of their vendors."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any

import pytest

from fixtures.builtin import packages
from fixtures.inputs.conversations import system
from fixtures.references.chat import harmony, llama, mistral, official
from fixtures.references.chat.recognition import Recognised
from fixtures.references.reference import ReferenceMissing
from fixtures.text.byte_letters import byte_letters
from selftests.chat_formats import FIRST, TALK, plain


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
    letters = byte_letters()
    assert len(set(letters.values())) == 256
    assert (letters[0x20], letters[0x0A], letters[0x41], letters[0xAD]) == ("Ġ", "Ċ", "A", "Ń")

    class Vocabulary:
        def convert_ids_to_tokens(self, ids: list[int]) -> list[str]:
            return ["Ġa"] * len(ids)

    assert harmony.ranks(Vocabulary()).splitlines()[:2] == [b"IGE= 0", b"IGE= 1"]
