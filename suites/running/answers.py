"""What a model writes: greedy answers to instructions, made once for a variant and shared by checks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fixtures.inputs import questions
from fixtures.inputs.items import Instruction, Items
from fixtures.models.loading import Loaded
from fixtures.subjects.subject import Subject
from suites.findings import Unsupported
from suites.running import answer_signs, forced_tokens, generate, prompts

NEW_TOKENS = {"quick": 20, "standard": 64, "exhaustive": 160}
BATCH = 8


@dataclass(frozen=True)
class Said:
    """The answer to an instruction; of a model without a chat template, the continuation of an opening."""

    asked: Instruction
    ids: tuple[int, ...]
    """New ids, the stop token not among them."""
    stopped: bool
    text: str

    @property
    def ill(self) -> bool:
        """Nothing at all, or one endless loop."""
        return not self.text.strip() or (not self.stopped and bool(answer_signs.loop(self.ids)))


def said(subject: Subject, tokenizer: Any, loaded: Loaded, items: Items, profile: str) -> tuple[Said, ...]:
    """Greedy answers, under the shipped stop tokens and no other setting of the checkpoint.

    Raises:
        Unsupported: the template renders no prompt, or `generate` fails.
    """
    key = f"said {items.version}"
    return loaded.once(
        key, lambda: tuple(_said(subject, tokenizer, loaded.model, _asked(subject, items, profile), profile))
    )


def _asked(subject: Subject, items: Items, profile: str) -> tuple[Instruction, ...]:
    if subject.traits.has_chat_template and items.instructions:
        return items.instructions
    openings = [each.opening for each in questions.chosen(profile)]
    return tuple(Instruction(f"opening/{number}", text, ()) for number, text in enumerate(openings, 1))


def _said(subject: Subject, tokenizer: Any, model: Any, asked: Sequence[Instruction], profile: str) -> list[Said]:
    rows = [_ids(subject, tokenizer, model, each) for each in asked]
    size = BATCH if generate.takes(model, "attention_mask") else 1
    found = []
    for start in range(0, len(rows), size):
        answers = _generated(model, rows[start : start + size], NEW_TOKENS[profile])
        found += [_one(model, tokenizer, *pair) for pair in zip(asked[start : start + size], answers, strict=True)]
    return found


def _ids(subject: Subject, tokenizer: Any, model: Any, asked: Instruction) -> Any:
    """The prompt's ids (1-d)."""
    ids = prompts.encoded(subject, tokenizer, asked.prompt)["input_ids"][0]
    ids = ids[ids < forced_tokens.vocabulary(model)]
    if not len(ids):
        raise Unsupported("the tokenizer makes no tokens of a prompt that the model has embeddings for")
    return ids


def _generated(model: Any, rows: list[Any], limit: int) -> list[list[int]]:
    import torch

    batch = generate.padded(rows, forced_tokens.padding(model), left=True)
    given = {name: batch[name].to(model.device) for name in ("input_ids", "attention_mask")}
    if not generate.takes(model, "attention_mask"):
        del given["attention_mask"]
    room = room_for(model, int(given["input_ids"].shape[1]), limit)
    stops = forced_tokens.stops(model)
    settings = {"eos_token_id": stops, "pad_token_id": forced_tokens.padding(model)} if stops else {}
    with forced_tokens.plain_settings(model, **settings), generate.refusals("generate()"), torch.inference_mode():
        return forced_tokens.new_ids(model, given, model.generate(**given, max_new_tokens=room))


def room_for(model: Any, taken: int, limit: int) -> int:
    """New tokens that there are positions for."""
    positions = getattr(model.config.get_text_config(decoder=True), "max_position_embeddings", None)
    return max(1, min(limit, positions - taken - 1)) if isinstance(positions, int) and positions > 0 else limit


def _one(model: Any, tokenizer: Any, asked: Instruction, ids: Sequence[int]) -> Said:
    stops = forced_tokens.stops(model)
    end = next((place for place, each in enumerate(ids) if each in stops), None)
    kept = tuple(ids if end is None else ids[:end])
    return Said(asked, kept, end is not None, str(tokenizer.decode(list(kept), skip_special_tokens=True)))
