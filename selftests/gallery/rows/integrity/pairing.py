"""Defects of tokenizers, templates and configs that do not belong to the weights."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

from fixtures import builtin
from selftests.gallery.edits import noise
from selftests.gallery.edits.files import edit_json, edit_tokenizer, edit_weights, set_keys
from selftests.gallery.edits.tensors import reorder_neurons, swapped, transposed
from selftests.gallery.registry import CHAT, SENTENCEPIECE, healthy, mutant

STRANGE = "not those that the weights were trained on"


@mutant(
    "head-count-doubled",
    "config.json has twice the heads, of half the size: every shape fits",
    number="J27",
    source="own",
    base=CHAT,
    caught_by="integrity/heads-fit-weights",
    summary_contains=("8 heads (4 for keys) of 16 dimensions", "4 heads (2 for keys) of 32 dimensions"),
)
def head_count_doubled(directory: Path) -> None:
    set_keys(directory / "config.json", num_attention_heads=8, num_key_value_heads=4, head_dim=16)


@mutant(
    "template-of-other-model",
    "the template of another model, written as plain text",
    number="I44",
    source="own",
    base=CHAT,
    caught_by="integrity/template-fits-weights",
    summary_contains=("not trained with this template", "finished answer"),
)
def template_of_other_model(directory: Path) -> None:
    (directory / "chat_template.jinja").write_text(
        "{% for message in messages %}<|start_header_id|>{{ message['role'] }}<|end_header_id|>\n\n"
        "{{ message['content'] }}<|eot_id|>{% endfor %}"
        "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}",
        encoding="utf-8",
    )


@mutant(
    "answers-end-in-base-eos",
    "the answer ends with the base model's end of text, which the weights never write there",
    number="I45",
    source="own",
    base=CHAT,
    caught_by="integrity/template-fits-weights",
    summary_contains=("<|endoftext|>", "ends its turn with '<|im_end|>'"),
)
def answers_end_in_base_eos(directory: Path) -> None:
    path = directory / "chat_template.jinja"
    path.write_text(
        "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
        "{{ '<|endoftext|>' if message['role'] == 'assistant' else '<|im_end|>' }}\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
        encoding="utf-8",
    )


@mutant(
    "added-token-ids-exchanged",
    "two added tokens have each other's ids",
    number="I46",
    source="own",
    base=CHAT,
    caught_by="integrity/template-fits-weights",
    summary_contains=("<|im_end|>", "not trained with this template"),
)
def added_token_ids_exchanged(directory: Path) -> None:
    swapped = {"<|im_start|>": 2, "<|im_end|>": 1}

    def change(data: dict[str, Any]) -> None:
        for entry in data["added_tokens"]:
            entry["id"] = swapped.get(entry["content"], entry["id"])
        data["added_tokens"].sort(key=lambda entry: int(entry["id"]))
        data["model"]["vocab"] |= swapped

    edit_tokenizer(directory, change)
    for file in ("config.json", "generation_config.json"):
        edit_json(directory / file, lambda data: data.update(eos_token_id=1))


@mutant(
    "template-of-other-family",
    "the template of another family, which ends turns with this one's own token",
    number="J26",
    source="own",
    base=CHAT,
    caught_by="integrity/template-fits-weights",
    severity="hazard",
    summary_contains=("'<|user|>'", "no token of this vocabulary", "<|im_start|>"),
)
def template_of_other_family(directory: Path) -> None:
    (directory / "chat_template.jinja").write_text(
        "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}{{ eos_token }}\n{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>\n{% endif %}",
        encoding="utf-8",
    )


def _renumber(directory: Path, first: int, order: list[int]) -> None:
    """Gives the ordinary tokens from an id on the ids in `order` instead of their own."""

    def change(data: dict[str, Any]) -> None:
        ids = dict(enumerate(order, first))
        vocabulary = data["model"]["vocab"]
        data["model"]["vocab"] = {token: ids.get(number, number) for token, number in vocabulary.items()}

    edit_tokenizer(directory, change)


@mutant(
    "vocabulary-reordered",
    "the vocabulary in another order",
    number="I41",
    source="own",
    base=CHAT,
    caught_by="integrity/tokenizer-fits-weights",
    summary_contains=STRANGE,
)
def vocabulary_reordered(directory: Path) -> None:
    order = list(range(4, 1024))
    random.Random(0).shuffle(order)
    _renumber(directory, 4, order)


@mutant(
    "vocabulary-shifted",
    "a token before all others shifts their ids by one",
    number="I42",
    source="own",
    base=SENTENCEPIECE,
    caught_by="integrity/tokenizer-fits-weights",
    summary_contains=(STRANGE, "moved by -1"),
)
def vocabulary_shifted(directory: Path) -> None:
    _renumber(directory, 3, [*range(4, 1023), 3])


@mutant(
    "tokenizer-of-other-family",
    "the tokenizer of another family, whose ids all have a row",
    number="I43",
    source="own",
    base=CHAT,
    caught_by="integrity/tokenizer-fits-weights",
    summary_contains=STRANGE,
)
def tokenizer_of_other_family(directory: Path) -> None:
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(builtin.directory(SENTENCEPIECE) / file, directory / file)


@mutant(
    "decoder-layers-swapped",
    "two layers of a language model are swapped",
    number="J01",
    source="own",
    base=CHAT,
    caught_by="integrity/weights-in-place",
    summary_contains=("layers 0 and 1", "exchanged"),
)
def decoder_layers_swapped(directory: Path) -> None:
    edit_weights(directory, lambda tensors: swapped(tensors, ".layers.0.", ".layers.1."))


@mutant(
    "decoder-matrix-transposed",
    "a square matrix of a language model is transposed",
    number="J02",
    source="own",
    base=CHAT,
    caught_by="integrity/weights-in-place",
    summary_contains=("o_proj", "layer 0", "transposed"),
)
def decoder_matrix_transposed(directory: Path) -> None:
    edit_weights(directory, lambda tensors: transposed(tensors, "model.layers.0.self_attn.o_proj.weight"))


@mutant(
    "gate-and-up-swapped",
    "gate and up projections are exchanged",
    number="J03",
    source="own",
    base=CHAT,
    caught_by="integrity/weights-in-place",
    summary_contains=("mlp.gate_proj and mlp.up_proj", "exchanged"),
)
def gate_and_up_swapped(directory: Path) -> None:
    edit_weights(directory, lambda tensors: swapped(tensors, "gate_proj", "up_proj"))


@healthy(
    "mlp-neurons-reversed",
    "the hidden units of every MLP are in another order, which leaves the function as it is",
    base=CHAT,
    check="integrity/weights-in-place",
)
def mlp_neurons_reversed(directory: Path) -> None:
    reorder_neurons(directory)


@mutant(
    "embedding-rows-permuted",
    "the rows of the embedding stand in another order, as with the vocabulary of another model",
    source="own",
    base=CHAT,
    caught_by="integrity/tokenizer-fits-weights",
    summary_contains=(STRANGE, "or the weights are damaged"),
)
def embedding_rows_permuted(directory: Path) -> None:
    noise.replace_matrices(directory, noise.rows_permuted, lambda name: "embed_tokens" in name)
