"""Rows about chat templates at token level."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits import (
    edit_added_token,
    edit_json,
    edit_template,
    edit_tokenizer,
    edit_weights,
    set_keys,
)
from selftests.gallery.registry import CHAT, SENTENCEPIECE, mutant

EMBEDDING = "model.embed_tokens.weight"
START, END = 1, 2
"""Ids of <|im_start|> and <|im_end|>."""
ASSISTANT = "{{- '<|im_start|>assistant\\n' -}}\n        {%- generation -%}"
CLOSING = "            {{- '<|im_end|>' -}}\n        {%- endgeneration -%}"
USER = "{{- '<|im_start|>' ~ message.role ~ '\\n' ~ text(message.content) ~ '<|im_end|>\\n' -}}"


def tokenize_with_special_tokens(tokenizer: Any) -> None:
    """Ids from the rendered text as if it were any text: what servers did before the library had a path of its own."""
    given = tokenizer.apply_chat_template

    def apply_chat_template(conversation: Any, *, tokenize: bool = True, **options: Any) -> Any:
        text = given(conversation, tokenize=False, **{k: v for k, v in options.items() if k != "return_dict"})
        return tokenizer(text) if tokenize else text

    tokenizer.apply_chat_template = apply_chat_template


@mutant(
    "CK01",
    "the template path adds special tokens that the template has written already",
    source="huggingface/transformers#37686",
    base=SENTENCEPIECE,
    caught_by="chat_templates/template-ids-match-text",
    naming="<s>",
    patch_tokenizer=tokenize_with_special_tokens,
)
def template_path_adds_tokens(directory: Path) -> None:
    """In memory."""


@mutant(
    "CK02",
    "a marker is only a token between words",
    source="own",
    base=CHAT,
    caught_by="chat_templates/markers-are-tokens",
    naming=("<|im_start|>", "single_word"),
)
def marker_as_single_word(directory: Path) -> None:
    edit_added_token(directory, "<|im_start|>", single_word=True)


@mutant(
    "CK03",
    "split_special_tokens takes the template's own markers apart",
    source="huggingface/transformers#29279",
    base=CHAT,
    caught_by="chat_templates/markers-are-tokens",
    naming=("<|im_start|>", "pieces"),
)
def special_tokens_split(directory: Path) -> None:
    set_keys(directory / "tokenizer_config.json", split_special_tokens=True)


@mutant(
    "CK04",
    "the template misspells its marker",
    source="own",
    base=CHAT,
    caught_by="chat_templates/markers-are-tokens",
    naming=("<|imstart|>", "<|im_start|>"),
)
def misspelt_marker(directory: Path) -> None:
    edit_template(directory, "'<|im_start|>' ~ message.role", "'<|imstart|>' ~ message.role")


@mutant(
    "CK05",
    "a marker is missing from the added tokens, and only the vocabulary has it",
    source="ggml-org/llama.cpp#3475",
    base=CHAT,
    caught_by="chat_templates/markers-are-tokens",
    naming=("<|im_start|>", "has the id 1"),
)
def marker_not_added(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        data["added_tokens"] = [token for token in data["added_tokens"] if token["content"] != "<|im_start|>"]

    edit_tokenizer(directory, change)
    edit_json(directory / "tokenizer_config.json", lambda data: data.pop("additional_special_tokens"))


@mutant(
    "CK06",
    "the token that opens a turn was lost, the one that ends it was kept",
    source="own (a conversion of ChatGLM 3 that lacks <|system|>)",
    base=CHAT,
    caught_by="chat_templates/markers-are-tokens",
    severity="hazard",
    naming=("<|im_start|>", "<|im_end|>"),
)
def half_of_a_pair(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        next(token for token in data["added_tokens"] if token["id"] == START)["content"] = "<|reserved|>"
        data["model"]["vocab"]["<|reserved|>"] = data["model"]["vocab"].pop("<|im_start|>")

    edit_tokenizer(directory, change)
    set_keys(directory / "tokenizer_config.json", additional_special_tokens=["<|reserved|>"])


@mutant(
    "C17",
    "a marker that is not special, built from pieces in the template, is forged although protection was asked for",
    source="huggingface/transformers#29279, #47386",
    base=CHAT,
    caught_by="chat_templates/user-control-tokens",
    naming=("<|im_start|>", "sanitize_control_tokens"),
    since="5.23",
)
def unprotected_marker(directory: Path) -> None:
    edit_added_token(directory, "<|im_start|>", special=False)
    edit_json(directory / "tokenizer_config.json", lambda data: data.pop("additional_special_tokens"))
    edit_template(directory, "<|im_start|>", "<|im_' ~ 'start|>")


@mutant(
    "C14",
    "the mask runs to the end of the conversation, because the block ends in a space that no token's offsets hold",
    source="huggingface/transformers#47325",
    base=CHAT,
    caught_by="chat_templates/assistant-mask",
    naming="did not say",
)
def mask_runs_on(directory: Path) -> None:
    trim_offsets(directory)
    edit_template(directory, CLOSING, CLOSING.replace("'<|im_end|>'", "'<|im_end|> '"))


def trim_offsets(directory: Path) -> None:
    """The default of byte-level tokenizers: spaces belong to no token's offsets."""
    edit_tokenizer(directory, lambda data: data["post_processor"].update(trim_offsets=True))


@mutant(
    "CK07",
    "an answer that starts with a space, and all after it, are left out of the mask",
    source="huggingface/transformers#47325",
    base=CHAT,
    caught_by="chat_templates/assistant-mask",
    severity="hazard",
    naming=("starts with a space", "leaves out"),
)
def mask_lost_at_a_space(directory: Path) -> None:
    trim_offsets(directory)


@mutant(
    "CK08",
    "the mask leaves out the end of the turn",
    source="huggingface/trl#5988",
    base=CHAT,
    caught_by="chat_templates/assistant-mask",
    naming=("<|im_end|>", "where to stop"),
)
def mask_without_end(directory: Path) -> None:
    edit_template(directory, CLOSING, "        {%- endgeneration -%}\n{{- '<|im_end|>' -}}")


@mutant(
    "CK09",
    "the user's words are marked as generated",
    source="own",
    base=CHAT,
    caught_by="chat_templates/assistant-mask",
    naming="did not say",
)
def user_in_the_mask(directory: Path) -> None:
    edit_template(directory, USER, f"{{%- generation -%}}{USER}{{%- endgeneration -%}}")


@mutant(
    "CK10",
    "truncation on the left loses the whole mask",
    source="huggingface/trl#3927",
    base=CHAT,
    caught_by="chat_templates/assistant-mask",
    severity="hazard",
    naming=("left", "mask"),
)
def truncated_on_the_left(directory: Path) -> None:
    set_keys(directory / "tokenizer_config.json", truncation_side="left")


@mutant(
    "CK11",
    "the embedding row of the token that opens a turn is zero, as in a base model",
    source="unslothai/unsloth#915",
    base=CHAT,
    caught_by="chat_templates/template-tokens-trained",
    naming=("<|im_start|>", "zero"),
)
def untrained_row(directory: Path) -> None:
    edit_weights(directory, lambda tensors: with_row(tensors, START, 0))


@mutant(
    "CK12",
    "two control tokens were added with the same initial row and never trained",
    source="arXiv:2405.05417",
    base=CHAT,
    caught_by="chat_templates/template-tokens-trained",
    naming=("<|im_start|>", "<|im_end|>", "the same row"),
)
def twin_rows(directory: Path) -> None:
    edit_weights(directory, lambda tensors: with_row(tensors, START, tensors[EMBEDDING][END].clone()))


def with_row(tensors: dict[str, Any], row: int, values: Any) -> dict[str, Any]:
    tensors[EMBEDDING][row] = values
    return tensors


@mutant(
    "CK13",
    "a tool call ends in a token that is missing from the stop tokens",
    source="meta-llama/llama-models (Llama 3.1 prompt format: <|eom_id|>)",
    base=CHAT,
    caught_by="chat_templates/tool-call-stops",
    naming=("<|pad|>", "tool call"),
)
def tool_call_goes_on(directory: Path) -> None:
    edit_template(
        directory, CLOSING, CLOSING.replace("'<|im_end|>'", "'<|pad|>' if message.tool_calls else '<|im_end|>'")
    )


@mutant(
    "CK14",
    "the template leaves out the BOS that the tokenizer adds",
    source="OpenRLHF/OpenRLHF#393",
    base=SENTENCEPIECE,
    caught_by="chat_templates/one-bos",
    severity="hazard",
    naming="<s>",
)
def bos_left_out(directory: Path) -> None:
    edit_template(directory, "{{- bos_token -}}", "")


@mutant(
    "CK15",
    "tokenizing rendered text appends EOS to the prompt",
    source="huggingface/transformers#37686",
    base=CHAT,
    caught_by="chat_templates/one-bos-when-retokenized",
    severity="hazard",
    naming=("appends", "<|im_end|>"),
)
def eos_appended(directory: Path) -> None:
    end = {"SpecialToken": {"id": "<|im_end|>", "type_id": 0}}
    template = {
        "type": "TemplateProcessing",
        "single": [{"Sequence": {"id": "A", "type_id": 0}}, end],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}, end],
        "special_tokens": {"<|im_end|>": {"id": "<|im_end|>", "ids": [END], "tokens": ["<|im_end|>"]}},
    }
    edit_tokenizer(directory, lambda data: data.update(post_processor=template))
