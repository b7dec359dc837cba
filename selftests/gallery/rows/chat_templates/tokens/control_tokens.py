"""Defects of the control tokens that templates write: markers, BOS, stop tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits.files import (
    edit_added_token,
    edit_json,
    edit_template,
    edit_tokenizer,
    edit_weights,
    prepend_template,
    set_keys,
    unchanged,
)
from selftests.gallery.registry import CHAT, SENTENCEPIECE, healthy, mutant

EMBEDDING = "model.embed_tokens.weight"
START = 1
"""Id of <|im_start|>."""
END = 2
"""Id of <|im_end|>."""
CLOSING = "            {{- '<|im_end|>' -}}\n        {%- endgeneration -%}"
END_OF_ASSISTANT = "            {{- '<|im_end|>' -}}\n        {%- endgeneration -%}"


@mutant(
    "assistant-turn-without-stop",
    "the assistant's turn ends without a stop token",
    number="C15",
    source="huggingface/trl#5988",
    base=CHAT,
    caught_by="chat_templates/end-of-turn-stops",
    summary_contains="stop",
)
def assistant_turn_without_stop(directory: Path) -> None:
    edit_template(directory, END_OF_ASSISTANT, "        {%- endgeneration -%}")


@mutant(
    "last-turn-without-stop",
    "the last assistant turn loses its end-of-turn token",
    number="C16",
    source="huggingface/trl#5526",
    base=CHAT,
    caught_by="chat_templates/end-of-turn-stops",
    summary_contains="stop",
)
def last_turn_without_stop(directory: Path) -> None:
    open_ended = END_OF_ASSISTANT.replace("'<|im_end|>'", "'<|im_end|>' if not loop.last")
    edit_template(directory, END_OF_ASSISTANT, open_ended)


@mutant(
    "eos-list-without-end-of-turn",
    "the end-of-turn token is missing from the stop tokens",
    number="G01",
    source="vllm-project/vllm#4180",
    base=CHAT,
    caught_by="chat_templates/end-of-turn-stops",
    summary_contains="<|im_end|>",
)
def eos_list_without_end_of_turn(directory: Path) -> None:
    set_keys(directory / "generation_config.json", eos_token_id=0)


@mutant(
    "base-eos-with-chatml",
    "the base model's EOS stays with a ChatML template",
    number="T26",
    source="QwenLM/Qwen3#927",
    base=CHAT,
    caught_by="chat_templates/end-of-turn-stops",
    summary_contains="<|im_end|>",
)
def base_eos_with_chatml(directory: Path) -> None:
    set_keys(
        directory / "tokenizer_config.json",
        eos_token="<|endoftext|>",
        additional_special_tokens=["<|im_start|>", "<|im_end|>"],
    )
    set_keys(directory / "config.json", eos_token_id=0)
    (directory / "generation_config.json").unlink()


@mutant(
    "marker-single-word",
    "a marker is only a token between words",
    number="CK02",
    source="own",
    base=CHAT,
    caught_by="chat_templates/markers-are-tokens",
    summary_contains=("<|im_start|>", "single_word"),
)
def marker_single_word(directory: Path) -> None:
    edit_added_token(directory, "<|im_start|>", single_word=True)


@mutant(
    "markers-split",
    "split_special_tokens takes the template's own markers apart",
    number="CK03",
    source="huggingface/transformers#29279",
    base=CHAT,
    caught_by="chat_templates/markers-are-tokens",
    summary_contains=("<|im_start|>", "pieces"),
)
def markers_split(directory: Path) -> None:
    set_keys(directory / "tokenizer_config.json", split_special_tokens=True)


@mutant(
    "marker-misspelled",
    "the template misspells its marker",
    number="CK04",
    source="own",
    base=CHAT,
    caught_by="chat_templates/markers-are-tokens",
    summary_contains=("<|imstart|>", "<|im_start|>"),
)
def marker_misspelled(directory: Path) -> None:
    edit_template(directory, "'<|im_start|>' ~ message.role", "'<|imstart|>' ~ message.role")


@mutant(
    "marker-not-an-added-token",
    "a marker is missing from the added tokens, and only the vocabulary has it",
    number="CK05",
    source="ggml-org/llama.cpp#3475",
    base=CHAT,
    caught_by="chat_templates/markers-are-tokens",
    summary_contains=("<|im_start|>", "has the id 1"),
)
def marker_not_an_added_token(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        data["added_tokens"] = [token for token in data["added_tokens"] if token["content"] != "<|im_start|>"]

    edit_tokenizer(directory, change)
    edit_json(directory / "tokenizer_config.json", lambda data: data.pop("additional_special_tokens"))


@mutant(
    "opening-marker-lost",
    "the token that opens a turn is lost, the one that ends it is not",
    number="CK06",
    source="own (a conversion of ChatGLM 3 that lacks <|system|>)",
    base=CHAT,
    caught_by="chat_templates/markers-are-tokens",
    severity="hazard",
    summary_contains=("<|im_start|>", "<|im_end|>"),
)
def opening_marker_lost(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        next(token for token in data["added_tokens"] if token["id"] == START)["content"] = "<|reserved|>"
        data["model"]["vocab"]["<|reserved|>"] = data["model"]["vocab"].pop("<|im_start|>")

    edit_tokenizer(directory, change)
    set_keys(directory / "tokenizer_config.json", additional_special_tokens=["<|reserved|>"])


@mutant(
    "template-without-bos",
    "the template leaves out the BOS that the tokenizer adds",
    number="CK14",
    source="OpenRLHF/OpenRLHF#393",
    base=SENTENCEPIECE,
    caught_by="chat_templates/one-bos",
    severity="hazard",
    summary_contains="<s>",
)
def template_without_bos(directory: Path) -> None:
    edit_template(directory, "{{- bos_token -}}", "")


@mutant(
    "template-bos-twice",
    "the template writes BOS twice",
    number="S01",
    source="deepseek-ai/DeepSeek-R1#151",
    base=SENTENCEPIECE,
    caught_by="chat_templates/one-bos",
    summary_contains="<s>",
)
def template_bos_twice(directory: Path) -> None:
    prepend_template(directory, "{{- bos_token -}}")


@mutant(
    "retokenizing-appends-eos",
    "tokenizing rendered text appends EOS to the prompt",
    number="CK15",
    source="huggingface/transformers#37686",
    base=CHAT,
    caught_by="chat_templates/one-bos-when-retokenized",
    severity="hazard",
    summary_contains=("appends", "<|im_end|>"),
)
def retokenizing_appends_eos(directory: Path) -> None:
    end = {"SpecialToken": {"id": "<|im_end|>", "type_id": 0}}
    template = {
        "type": "TemplateProcessing",
        "single": [{"Sequence": {"id": "A", "type_id": 0}}, end],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}, end],
        "special_tokens": {"<|im_end|>": {"id": "<|im_end|>", "ids": [END], "tokens": ["<|im_end|>"]}},
    }
    edit_tokenizer(directory, lambda data: data.update(post_processor=template))


@mutant(
    "template-adds-second-bos",
    "the template writes BOS and the tokenizer adds another",
    number="C01",
    source="huggingface/transformers#37686",
    base=CHAT,
    caught_by="chat_templates/one-bos-when-retokenized",
    severity="hazard",
    summary_contains="<|endoftext|>",
)
def template_adds_second_bos(directory: Path) -> None:
    prepend_template(directory, "{{- bos_token -}}")
    bos = {"id": "<|endoftext|>", "type_id": 0}
    template = {
        "type": "TemplateProcessing",
        "single": [{"SpecialToken": bos}, {"Sequence": {"id": "A", "type_id": 0}}],
        "pair": [
            {"SpecialToken": bos},
            {"Sequence": {"id": "A", "type_id": 0}},
            {"Sequence": {"id": "B", "type_id": 1}},
        ],
        "special_tokens": {"<|endoftext|>": {"id": "<|endoftext|>", "ids": [0], "tokens": ["<|endoftext|>"]}},
    }
    edit_tokenizer(directory, lambda data: data.update(post_processor=template))


def tokenize_with_special_tokens(tokenizer: Any) -> None:
    """Tokenizes rendered text as ordinary text, as servers did before the library had its own path."""
    given = tokenizer.apply_chat_template

    def apply_chat_template(conversation: Any, *, tokenize: bool = True, **options: Any) -> Any:
        text = given(conversation, tokenize=False, **{k: v for k, v in options.items() if k != "return_dict"})
        return tokenizer(text) if tokenize else text

    tokenizer.apply_chat_template = apply_chat_template


mutant(
    "template-path-adds-special-tokens",
    "the template path adds special tokens that the template has written already",
    number="CK01",
    source="huggingface/transformers#37686",
    base=SENTENCEPIECE,
    caught_by="chat_templates/template-ids-match-text",
    summary_contains="<s>",
    patch_tokenizer=tokenize_with_special_tokens,
)(unchanged)


def with_row(tensors: dict[str, Any], row: int, values: Any) -> dict[str, Any]:
    tensors[EMBEDDING][row] = values
    return tensors


@mutant(
    "marker-row-zero",
    "the embedding row of the token that opens a turn is zero, as in a base model",
    number="CK11",
    source="unslothai/unsloth#915",
    base=CHAT,
    caught_by="chat_templates/template-tokens-trained",
    summary_contains=("<|im_start|>", "zero"),
)
def marker_row_zero(directory: Path) -> None:
    edit_weights(directory, lambda tensors: with_row(tensors, START, 0))


@mutant(
    "marker-rows-identical",
    "two control tokens were added with the same initial row and never trained",
    number="CK12",
    source="arXiv:2405.05417",
    base=CHAT,
    caught_by="chat_templates/template-tokens-trained",
    summary_contains=("<|im_start|>", "<|im_end|>", "the same row"),
)
def marker_rows_identical(directory: Path) -> None:
    edit_weights(directory, lambda tensors: with_row(tensors, START, tensors[EMBEDDING][END].clone()))


@mutant(
    "tool-call-without-stop",
    "a tool call ends in a token that is missing from the stop tokens",
    number="CK13",
    source="meta-llama/llama-models (Llama 3.1 prompt format: <|eom_id|>)",
    base=CHAT,
    caught_by="chat_templates/tool-call-stops",
    summary_contains=("<|pad|>", "tool call"),
)
def tool_call_without_stop(directory: Path) -> None:
    edit_template(
        directory, CLOSING, CLOSING.replace("'<|im_end|>'", "'<|pad|>' if message.tool_calls else '<|im_end|>'")
    )


@mutant(
    "unprotected-marker-forged",
    "a marker that is not special, built from pieces in the template, is forged although protection was asked for",
    number="C17",
    source="huggingface/transformers#29279, #47386",
    base=CHAT,
    caught_by="chat_templates/user-control-tokens",
    summary_contains=("<|im_start|>", "sanitize_control_tokens"),
    since="5.23",
)
def unprotected_marker_forged(directory: Path) -> None:
    edit_added_token(directory, "<|im_start|>", special=False)
    edit_json(directory / "tokenizer_config.json", lambda data: data.pop("additional_special_tokens"))
    edit_template(directory, "<|im_start|>", "<|im_' ~ 'start|>")


@healthy(
    "additional-stop-token",
    "generation also stops where a new turn is opened",
    base=CHAT,
    check="chat_templates/end-of-turn-stops",
)
def additional_stop_token(directory: Path) -> None:
    set_keys(directory / "generation_config.json", eos_token_id=[2, 0, START])
