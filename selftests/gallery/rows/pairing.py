"""Rows about tokenizers and templates that lie beside weights of another kind."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

from fixtures import builtin
from selftests.gallery.edits import edit_json, edit_tokenizer
from selftests.gallery.registry import CHAT, SENTENCEPIECE, mutant

FITS, KNOWN = "integrity/tokenizer-fits-weights", "integrity/template-fits-weights"
STRANGE = "not those that the weights were trained on"


def _renumber(directory: Path, first: int, order: list[int]) -> None:
    """Gives the ordinary tokens from an id on the ids in `order` instead of their own."""

    def change(data: dict[str, Any]) -> None:
        ids = dict(enumerate(order, first))
        vocabulary = data["model"]["vocab"]
        data["model"]["vocab"] = {token: ids.get(number, number) for token, number in vocabulary.items()}

    edit_tokenizer(directory, change)


@mutant("I41", "the vocabulary in another order", source="own", base=CHAT, caught_by=FITS, naming=STRANGE)
def reordered_vocabulary(directory: Path) -> None:
    order = list(range(4, 1024))
    random.Random(0).shuffle(order)
    _renumber(directory, 4, order)


@mutant(
    "I42",
    "a token before all others shifts their ids by one",
    source="own",
    base=SENTENCEPIECE,
    caught_by=FITS,
    naming=(STRANGE, "moved by -1"),
)
def shifted_vocabulary(directory: Path) -> None:
    _renumber(directory, 3, [*range(4, 1023), 3])


@mutant(
    "I43",
    "the tokenizer of another family, whose ids all have a row",
    source="own",
    base=CHAT,
    caught_by=FITS,
    naming=STRANGE,
)
def other_family(directory: Path) -> None:
    for file in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(builtin.directory(SENTENCEPIECE) / file, directory / file)


@mutant(
    "I44",
    "the template of another model, written as plain text",
    source="own",
    base=CHAT,
    caught_by=KNOWN,
    naming=("not trained with this template", "finished answer"),
)
def other_template(directory: Path) -> None:
    (directory / "chat_template.jinja").write_text(
        "{% for message in messages %}<|start_header_id|>{{ message['role'] }}<|end_header_id|>\n\n"
        "{{ message['content'] }}<|eot_id|>{% endfor %}"
        "{% if add_generation_prompt %}<|start_header_id|>assistant<|end_header_id|>\n\n{% endif %}",
        encoding="utf-8",
    )


@mutant(
    "I45",
    "the answer ends with the base model's end of text, which the weights never write there",
    source="own",
    base=CHAT,
    caught_by=KNOWN,
    naming=("<|endoftext|>", "ends its turn with '<|im_end|>'"),
)
def other_ending(directory: Path) -> None:
    path = directory / "chat_template.jinja"
    path.write_text(
        "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
        "{{ '<|endoftext|>' if message['role'] == 'assistant' else '<|im_end|>' }}\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
        encoding="utf-8",
    )


@mutant(
    "I46",
    "two added tokens have each other's ids",
    source="own",
    base=CHAT,
    caught_by=KNOWN,
    naming=("<|im_end|>", "not trained with this template"),
)
def exchanged_added_tokens(directory: Path) -> None:
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
    "J26",
    "the template of another family, which ends turns with this one's own token",
    source="own",
    base=CHAT,
    caught_by=KNOWN,
    severity="hazard",
    naming=("'<|user|>'", "no token of this vocabulary", "<|im_start|>"),
)
def foreign_markers(directory: Path) -> None:
    (directory / "chat_template.jinja").write_text(
        "{% for m in messages %}<|{{ m['role'] }}|>\n{{ m['content'] }}{{ eos_token }}\n{% endfor %}"
        "{% if add_generation_prompt %}<|assistant|>\n{% endif %}",
        encoding="utf-8",
    )
