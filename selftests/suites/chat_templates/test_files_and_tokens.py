"""The helpers of the token-level and file-level checks of chat templates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy
import pytest

from fixtures import builtin
from fixtures.inputs.conversation_strategy import Conversation
from fixtures.models.embedding_rows import INPUT, find
from fixtures.templates.chat import Chat
from fixtures.templates.stored import StoredTemplate, by_name, stored_templates
from suites.chat_templates.files.stored_templates import leaves_directory
from suites.chat_templates.files.test_template_names_stay_inside import links_out
from suites.chat_templates.tokens.markers import SHAPE, loose_spelling, markers_of_other_roles, partners
from suites.chat_templates.tokens.masks import Masked, mask_problem, masked
from suites.chat_templates.tokens.test_assistant_mask import CONVERSATION, WITH_TOOLS
from suites.chat_templates.tokens.test_one_bos_when_retokenized import added_around

ROWS, WIDTH, STOP = 600, 8, 2


def safetensors(path: Path, dtype: str, values: Any) -> None:
    """A file with one embedding and one matrix of another kind, written without the library."""
    data = numpy.ascontiguousarray(values).tobytes()
    header = {
        "model.embed_tokens.weight": {"dtype": dtype, "shape": list(values.shape), "data_offsets": [8, 8 + len(data)]},
        "model.position_embeddings.weight": {"dtype": "F32", "shape": [1, 2], "data_offsets": [0, 8]},
    }
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(8) + data)


@pytest.mark.parametrize("dtype", ["F32", "F16", "BF16"])
def test_embedding_rows_are_read_as_they_are_stored(tmp_path: Path, dtype: str) -> None:
    values = numpy.random.default_rng(0).integers(-8, 8, (ROWS, WIDTH)).astype("<f4")  # exact in every dtype
    as_stored = (
        (values.view("<u4") >> 16).astype("<u2") if dtype == "BF16" else values.astype({"F16": "<f2"}.get(dtype, "<f4"))
    )
    safetensors(tmp_path / "model.safetensors", dtype, as_stored)
    matrix = find(tmp_path, INPUT, ROWS)
    assert matrix
    assert matrix.count == ROWS
    assert matrix.norms([3, 599]) == pytest.approx(numpy.linalg.norm(values[[3, 599]], axis=1))
    assert matrix.typical_norm() == pytest.approx(float(numpy.median(numpy.linalg.norm(values, axis=1))))


def test_rows_that_are_the_same(tmp_path: Path) -> None:
    values = numpy.random.default_rng(0).normal(size=(ROWS, WIDTH)).astype("<f4")
    values[5] = values[7] = values[3]
    safetensors(tmp_path / "model.safetensors", "F32", values)
    matrix = find(tmp_path, INPUT, ROWS)
    assert matrix
    assert matrix.equal_rows([3, 4], range(ROWS + 10)) == {3: [5, 7], 4: []}


MARKERS = (
    *("<|im_start|>", "<｜User｜>", "<start_of_turn>", "</s>", "<turn|>", "[INST]", "[/INST]", "<<SYS>>"),
    *("<｜end▁of▁sentence｜>", "[TOOL_CALLS]", "<|START_OF_TURN_TOKEN|>"),
)


@pytest.mark.parametrize("text", MARKERS)
def test_markers_are_recognised(text: str) -> None:
    assert SHAPE.findall(f"a {text}b") == [text]


@pytest.mark.parametrize("text", ["1 < 2 and 3 > 2", "a[0]", "[OK", "x <- y", "<a href=b>", "List[str]"])
def test_plain_text_is_no_marker(text: str) -> None:
    assert SHAPE.findall(text) == []


def test_markers_that_belong_together() -> None:
    assert loose_spelling("<|IM-start|>") == loose_spelling("<|im_start|>") == loose_spelling("<｜im▁start｜>")
    assert "<|im_end|>" in partners("<|im_start|>")
    assert "[/INST]" not in partners("[/INST]")
    assert markers_of_other_roles("<|system|>") == ["<|user|>", "<|assistant|>"]
    assert markers_of_other_roles("<|im_start|>") == []


@pytest.fixture(scope="module")
def chat() -> Chat:
    from transformers import AutoTokenizer

    return Chat(AutoTokenizer.from_pretrained(builtin.directory("tiny-text-generation")))


@pytest.mark.parametrize("conversation", [CONVERSATION, *WITH_TOOLS])
def test_a_healthy_mask_has_nothing_wrong(chat: Chat, conversation: Conversation) -> None:
    assert (
        mask_problem(chat, conversation, masked(chat, conversation.messages, tools=conversation.tools), [STOP]) is None
    )


@pytest.mark.parametrize("conversation", [CONVERSATION, WITH_TOOLS[1]], ids=["plain", "with tools"])
@pytest.mark.parametrize("words", ["leaves out", "outside of the assistant's answers"])
def test_one_wrong_bit_in_a_mask_is_found(chat: Chat, words: str, conversation: Conversation) -> None:
    """Each bit in turn; those of white space and of the header may be set."""
    whole = masked(chat, conversation.messages, tools=conversation.tools)
    bit = 1 if words == "leaves out" else 0
    found = []
    for position, value in enumerate(whole.mask):
        changed = Masked(whole.ids, [*whole.mask[:position], 1 - value, *whole.mask[position + 1 :]])
        problem = mask_problem(chat, conversation, changed, [STOP]) if value == bit else None
        found += [problem.summary] if problem and not problem.header else []
    assert found
    assert all(words in each for each in found)
    assert len(found) == sum(whole.mask) if bit else len(found) > 10


def test_what_stands_around_a_list() -> None:
    assert added_around([1, 1, 5, 6, 2], [1, 5, 6]) == ([1], [2])
    assert added_around([5, 6], [5, 6]) == ([], [])
    assert added_around([5, 7], [5, 6]) == ([], [])


@pytest.mark.parametrize("name", ["../x", "a/b", "/etc/x", "..\\x", "C:\\x", "..", ".", "", "a\0b"])
def test_names_that_leave_the_directory(name: str) -> None:
    assert leaves_directory(name)


@pytest.mark.parametrize("name", ["default", "tool_use", "a.b", "with space", "größe", "..x"])
def test_names_that_stay(name: str) -> None:
    assert not leaves_directory(name)


def test_a_cache_of_links_is_no_escape(tmp_path: Path) -> None:
    """The layout of huggingface_hub's cache: every file of a snapshot is a link to a blob."""
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "abc"
    (snapshot / "additional_chat_templates").mkdir(parents=True)
    blobs.mkdir()
    for number, name in enumerate(("tokenizer.json", "chat_template.jinja", "additional_chat_templates/rag.jinja")):
        (blobs / str(number)).write_text("{}")
        (snapshot / name).symlink_to(blobs / str(number))
    assert list(links_out(snapshot)) == []
    (tmp_path / "elsewhere").write_text("x")
    (snapshot / "additional_chat_templates" / "x.jinja").symlink_to(tmp_path / "elsewhere")
    assert [str(path) for path, _ in links_out(snapshot)] == ["additional_chat_templates/x.jinja"]


def test_templates_in_every_form(tmp_path: Path) -> None:
    (tmp_path / "chat_template.jinja").write_text("A")
    (tmp_path / "additional_chat_templates").mkdir()
    (tmp_path / "additional_chat_templates" / "rag.jinja").write_text("B")
    (tmp_path / "tokenizer_config.json").write_text('{"chat_template": [{"name": "default", "template": "C"}, {}, 7]}')
    (tmp_path / "chat_template.json").write_text('{"chat_template": "D"}')
    assert list(stored_templates(tmp_path)) == [
        StoredTemplate("chat_template.jinja", "default", "A"),
        StoredTemplate("additional_chat_templates/rag.jinja", "rag", "B"),
        StoredTemplate("tokenizer_config.json", "default", "C"),
        StoredTemplate("chat_template.json", "default", "D"),
    ]
    assert by_name(None) == by_name(7) == {}
