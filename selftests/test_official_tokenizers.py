"""The tokenizers made from official packages give the ids of the official encoders, which run beside them here."""

from __future__ import annotations

import base64
import functools
import importlib
import json
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fixtures import builtin
from fixtures.builtin import lessons, llama3, llama4, mistral_tekken, mistral_v3, packages
from fixtures.inputs.texts import NASTY, WHITE_SPACE
from selftests.processes import finish, python

NAMES = [name for name in builtin.FLEET if name.endswith("-tokenizer")]
MISTRAL = [name for name in NAMES if name.startswith("mistral-")]
FOLDERS = {"llama-3-tokenizer": "llama3", "llama-4-tokenizer": "llama4"}
LLAMA = list(FOLDERS)

Conversation = list[tuple[str, str]]

PARTS = [
    *"aA1'中ن=./_▁\t\n\u3000\x85\x00",
    "'s",
    "'LL",
    "'ſ",
    "  ",
    "\r\n",
    "e\u0301",
    "ǅ",
    "क्",
    "👍🏽",
    "<",
    "aaa",
    "    ",
]
CONVERSATIONS: list[Conversation] = [
    [("user", "Hello!")],
    [("system", "Be kind.\nBe brief."), ("user", "Wie heißt die Stadt? 東京 👍🏽")],
    [("user", " two  spaces "), ("assistant", "def f(x):\n    return x"), ("user", "1234567\n\n")],
    [("system", " S "), ("user", "a"), ("assistant", "b."), ("user", "c"), ("assistant", "é"), ("user", "d")],
    [("system", "S"), ("user", ""), ("assistant", "done")],
]


def texts() -> list[str]:
    """Languages, code, white space, emoji, and 300 mixtures of what patterns treat differently."""
    choose = random.Random(0)
    mixed = ("".join(choose.choice(PARTS) * choose.randint(1, 3) for _ in range(12)) for _ in range(300))
    return ["", *NASTY.values(), *WHITE_SPACE, *lessons.documents(), lessons.CORPUS, *mixed]


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def directory(name: str) -> Path:
    try:
        return builtin.directory(name)
    except builtin.BuiltinUnavailable as missing:
        pytest.skip(str(missing))


@pytest.fixture
def tokenizer(directory: Path) -> Any:
    return loaded(directory)


@functools.cache
def loaded(directory: Path) -> Any:
    """The tokenizer, which no test here changes."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(directory)


@dataclass(frozen=True)
class Official:
    """An encoder as its owners wrote it."""

    encode: Callable[[str], list[int]]
    special: dict[str, int]
    """Special tokens that the owners name, with their ids."""


@pytest.fixture
def official(name: str, directory: Path) -> Official:
    if name in LLAMA:
        model = llama_model(FOLDERS[name])
        return Official(lambda text: list(model.encode(text, bos=False, eos=False)), model.special_tokens)
    return tekken() if "tekken" in name else sentencepiece()


@functools.cache
def tekken() -> Official:
    """tiktoken with the file's own pattern and ranks; the names are mistral-common's."""
    tiktoken = pytest.importorskip("tiktoken")
    source = json.loads(file_of("mistral-tekken-tokenizer").read_text(encoding="utf-8"))
    ranks = {base64.b64decode(entry["token_bytes"]): entry["rank"] for entry in source["vocab"][: 131_072 - 1000]}
    model = tiktoken.Encoding("tekken", pat_str=source["config"]["pattern"], mergeable_ranks=ranks, special_tokens={})
    named = {"<unk>": 0, "<s>": 1, "</s>": 2, "[INST]": 3, "[/INST]": 4, "<pad>": 11, "<SPECIAL_999>": 999}
    return Official(lambda text: [1000 + token for token in model.encode_ordinary(text)], named)


@functools.cache
def sentencepiece() -> Official:
    from sentencepiece import SentencePieceProcessor

    model = SentencePieceProcessor(model_file=str(file_of("mistral-v3-tokenizer")))
    control = [index for index in range(len(model)) if model.is_control(index) or model.is_unknown(index)]
    return Official(lambda text: list(model.encode(text)), {model.id_to_piece(index): index for index in control})


@functools.cache
def llama_model(folder: str) -> Any:
    """The package's own class."""
    pytest.importorskip("tiktoken")
    return importlib.import_module(f"llama_models.{folder}.tokenizer").Tokenizer.get_instance()


def file_of(name: str) -> Path:
    file = mistral_tekken.FILE if "tekken" in name else mistral_v3.FILE
    return packages.model_file(mistral_v3.DISTRIBUTION, file, subject=name)


@functools.cache
def mistral_encoder(name: str) -> Any:
    """mistral-common's encoder of conversations."""
    common = "mistral_common.tokens.tokenizers"
    instruct = pytest.importorskip(f"{common}.instruct", exc_type=ImportError)
    module, kind = ("tekken", "Tekkenizer") if "tekken" in name else ("sentencepiece", "SentencePieceTokenizer")
    model = getattr(importlib.import_module(f"{common}.{module}"), kind)
    return instruct.InstructTokenizerV3(getattr(model, "from_file", model)(file_of(name)))


def mistral_ids(name: str, conversation: Conversation) -> list[int]:
    encoder = mistral_encoder(name)
    messages = importlib.import_module("mistral_common.protocol.instruct.messages")
    request = importlib.import_module("mistral_common.protocol.instruct.request").InstructRequest
    classes = {"user": messages.UserMessage, "assistant": messages.AssistantMessage}
    turns = [classes[role](content=content) for role, content in conversation if role != "system"]
    system = next((content for role, content in conversation if role == "system"), None)
    return list(encoder.encode_instruct(request(messages=turns, system_prompt=system)).tokens)


def llama_ids(folder: str, conversation: Conversation, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """By llama-models' encoder of conversations; its images, which need torchvision, are left out."""
    model = llama_model(folder)
    pytest.importorskip("PIL")
    images = SimpleNamespace(ResizeNormalizeImageTransform=None, VariableSizeImageTransform=None)
    monkeypatch.setitem(sys.modules, "llama_models.llama4.preprocess", images)
    encoder = importlib.import_module(f"llama_models.{folder}.chat_format").ChatFormat(model)
    message = importlib.import_module("llama_models.datatypes").RawMessage
    raw = [message(role=role, content=content) for role, content in conversation]
    return list(encoder.encode_dialog_prompt(raw).tokens)


def chat_ids(tokenizer: Any, conversation: Conversation) -> list[int]:
    """Rendered with a prompt for the answer, and tokenized in one step."""
    messages = [{"role": role, "content": content} for role, content in conversation]
    ids = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_dict=True)["input_ids"]
    return list(ids)


def test_ids_are_those_of_the_official_encoder(tokenizer: Any, official: Official) -> None:
    """Token by token, for every text."""
    ours = {text: tokenizer.encode(text, add_special_tokens=False) for text in texts()}
    assert {text: ids for text, ids in ours.items() if ids != official.encode(text)} == {}


def test_text_comes_back(name: str, tokenizer: Any) -> None:
    """Exactly, but for a literal '▁', which SentencePiece cannot tell from a space."""
    wanted = [text.replace("▁", " ") if name == "mistral-v3-tokenizer" else text for text in texts()]
    assert [tokenizer.decode(tokenizer.encode(text, add_special_tokens=False)) for text in texts()] == wanted


def test_special_tokens_have_the_official_ids(tokenizer: Any, official: Official) -> None:
    """Each is one token of its own id inside a text, and flagged special."""
    assert {token: tokenizer.convert_tokens_to_ids(token) for token in official.special} == official.special
    assert set(official.special.values()) <= {i for i, t in tokenizer.added_tokens_decoder.items() if t.special}
    inside = {token: tokenizer.encode(f"a{token}b", add_special_tokens=False) for token in official.special}
    assert [token for token, ids in inside.items() if official.special[token] not in ids] == []


def test_an_encoded_text_starts_with_one_bos(tokenizer: Any) -> None:
    """As the owners' encoders do with bos=True; nothing is appended."""
    ids = tokenizer("Hello")["input_ids"]
    assert ids == [tokenizer.bos_token_id, *tokenizer.encode("Hello", add_special_tokens=False)]


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("mistral-v3-tokenizer", 32_768),
        ("mistral-tekken-tokenizer", 131_072),
        ("llama-3-tokenizer", 128_256),
        ("llama-4-tokenizer", 202_048),
    ],
)
def test_the_vocabulary_has_the_published_size(tokenizer: Any, size: int) -> None:
    """Rows of the embedding of the models that use it."""
    assert len(tokenizer) == size


@pytest.mark.parametrize("name", MISTRAL)
@pytest.mark.parametrize("conversation", CONVERSATIONS)
def test_a_mistral_conversation_has_the_official_ids(name: str, conversation: Conversation, tokenizer: Any) -> None:
    """The template, tokenized, equals mistral-common's own encoder."""
    assert chat_ids(tokenizer, conversation) == mistral_ids(name, conversation)


@pytest.mark.parametrize("name", LLAMA)
@pytest.mark.parametrize("conversation", CONVERSATIONS)
def test_a_llama_conversation_has_the_official_ids(
    name: str, conversation: Conversation, tokenizer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The template, tokenized, equals llama-models' own encoder."""
    assert chat_ids(tokenizer, conversation) == llama_ids(FOLDERS[name], conversation, monkeypatch)


@pytest.mark.parametrize(
    ("messages", "tools", "complaint"),
    [
        ([{"role": "user", "content": "a"}], [{"type": "function", "function": {"name": "f"}}], "takes no tools"),
        ([{"role": "wizard", "content": "a"}], None, "Unknown role 'wizard'"),
        ([{"role": "user", "content": [{"type": "image"}]}], None, "reads text only"),
        ([{"role": "assistant", "content": "", "tool_calls": [{"function": {}}]}], None, "takes no tool calls"),
    ],
)
def test_a_template_says_what_it_does_not_accept(
    messages: list[dict[str, Any]], tools: Any, complaint: str, tokenizer: Any
) -> None:
    """Nothing is dropped in silence."""
    from jinja2 import TemplateError

    with pytest.raises(TemplateError, match=complaint):
        tokenizer.apply_chat_template(messages, tools=tools, tokenize=False)


def test_a_build_is_the_same_as_the_cached_one(name: str, directory: Path, tmp_path: Path) -> None:
    """Bit for bit; a builder that writes something else needs another version."""
    builtin.FLEET[name].build(tmp_path)
    assert {path.name: path.read_bytes() == (directory / path.name).read_bytes() for path in tmp_path.iterdir()} == {
        path.name: True for path in directory.iterdir()
    }


def test_patterns_are_the_packages_own() -> None:
    """They are copied, so that building runs none of the package's code."""
    pytest.importorskip("tiktoken")
    official_3 = pytest.importorskip("llama_models.llama3.tokenizer").Tokenizer
    official_4 = pytest.importorskip("llama_models.llama4.tokenizer").Tokenizer
    assert (official_3.pat_str, official_4.O200K_PATTERN) == (llama3.PATTERN, llama4.PATTERN)


def test_a_build_runs_no_code_of_the_package(name: str, directory: Path, tmp_path: Path) -> None:
    """Packages are found, not imported: they want much that is not needed for their files."""
    code = (
        "import sys, pathlib; from fixtures.subjects import builtin\n"
        f"builtin.FLEET[{name!r}].build(pathlib.Path({str(tmp_path)!r}))\n"
        "print([name for name in ('mistral_common', 'llama_models', 'tiktoken') if name in sys.modules])"
    )
    assert finish(python(code)).strip() == "[]"
