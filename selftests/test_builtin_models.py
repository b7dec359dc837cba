"""What the built-ins say: their tokenizers, their templates, and the answers that they were taught."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fixtures import builtin
from fixtures.builtin import lessons
from selftests.test_builtin import TINY

CHAT = [name for name in TINY if builtin.FLEET[name].traits.has_chat_template]

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


@pytest.fixture(scope="module")
def built() -> Mapping[str, Path]:
    """Directory of every member of the fleet in the user's cache."""
    return {name: builtin.directory(name) for name, member in builtin.FLEET.items() if member.in_fleet}


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

    from fixtures.builtin import smollm2
    from fixtures.builtin.packages import model_file

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
