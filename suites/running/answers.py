"""Greedy answers of a model, made once for a variant and shared by checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from fixtures.inputs import questions
from fixtures.inputs.items import Instruction, Items
from fixtures.inputs.questions import Question
from fixtures.models.loading import Loaded
from fixtures.subjects.subject import Subject
from suites.findings import Blocked
from suites.running import answer_signs, forced_tokens, generate, prompts
from suites.running.limits import room, vocabulary

TOKENS_FOR_QUESTIONS = {"quick": 48, "standard": 64, "exhaustive": 128}
TOKENS_FOR_INSTRUCTIONS = {"quick": 20, "standard": 64, "exhaustive": 160}
BATCH = 8
Asked = TypeVar("Asked")


@dataclass(frozen=True)
class Answer(Generic[Asked]):
    """The answer to a question or an instruction; of a model without a chat template, a continuation."""

    asked: Asked
    ids: tuple[int, ...]
    """New ids: up to and with the stop token of a question, without it of an instruction."""
    stopped: bool
    """True if a stop token ended it, not the limit."""
    text: str
    """The ids without special tokens, as a user sees them."""

    @property
    def degenerate(self) -> bool:
        """True if it is empty or an endless loop."""
        return not self.text.strip() or (not self.stopped and bool(answer_signs.loop(self.ids)))


def to_questions(subject: Subject, tokenizer: Any, loaded: Loaded, profile: str) -> tuple[Answer[Question], ...]:
    """Answers to real questions, under the shipped stop tokens and penalties.

    Raises:
        Blocked: the template renders no prompt.
        Refused: `generate` fails.
    """
    model = loaded.model

    def find() -> tuple[Answer[Question], ...]:
        asked = questions.for_profile(profile)
        texts = [each.text if subject.traits.has_chat_template else each.opening for each in asked]
        rows = [_prompt(subject, tokenizer, model, text) for text in texts]
        written = _in_batches(model, rows, lambda some: _as_shipped(model, tokenizer, some, profile))
        pairs = zip(asked, written, strict=True)
        return tuple(_answer(model, tokenizer, each, ids, with_stop=True) for each, ids in pairs)

    return loaded.once("answers to questions", find)


def to_instructions(
    subject: Subject, tokenizer: Any, loaded: Loaded, items: Items, profile: str
) -> tuple[Answer[Instruction], ...]:
    """Answers to instructions, under the shipped stop tokens and no other setting of the checkpoint.

    Raises:
        Blocked: the template renders no prompt.
        Refused: `generate` fails.
    """
    model = loaded.model

    def find() -> tuple[Answer[Instruction], ...]:
        asked = _instructions(subject, items, profile)
        rows = [_prompt(subject, tokenizer, model, each.prompt) for each in asked]
        written = _in_batches(model, rows, lambda some: _with_own_stops(model, some, profile))
        pairs = zip(asked, written, strict=True)
        return tuple(_answer(model, tokenizer, each, ids, with_stop=False) for each, ids in pairs)

    return loaded.once(f"answers to instructions {items.version}", find)


def _instructions(subject: Subject, items: Items, profile: str) -> tuple[Instruction, ...]:
    if subject.traits.has_chat_template and items.instructions:
        return items.instructions
    openings = [each.opening for each in questions.for_profile(profile)]
    return tuple(Instruction(f"opening/{number}", text, ()) for number, text in enumerate(openings, 1))


def _prompt(subject: Subject, tokenizer: Any, model: Any, text: str) -> Any:
    """The ids of a prompt (1-d), without those that the model has no embeddings for."""
    ids = prompts.encoded(subject, tokenizer, text)["input_ids"][0]
    ids = ids[ids < vocabulary(model)]
    if not len(ids):
        raise Blocked("tokenizers/ids-have-embedding-rows", "no token of the prompt has an embedding")
    return ids


def _in_batches(model: Any, rows: Sequence[Any], write: Callable[[list[Any]], list[list[int]]]) -> list[list[int]]:
    """The new ids of every row; models without an attention mask generate row by row."""
    size = BATCH if generate.takes(model, "attention_mask") else 1
    batches = (list(rows[start : start + size]) for start in range(0, len(rows), size))
    return [ids for batch in batches for ids in write(batch)]


def _as_shipped(model: Any, tokenizer: Any, rows: list[Any], profile: str) -> list[list[int]]:
    """Greedy, no beams, everything else as shipped."""
    options: dict[str, Any] = {"do_sample": False, "num_beams": 1, "temperature": None, "top_p": None, "top_k": None}
    if getattr(model.generation_config, "stop_strings", None):
        options["tokenizer"] = tokenizer
    return _generated(model, rows, TOKENS_FOR_QUESTIONS[profile], **options)


def _with_own_stops(model: Any, rows: list[Any], profile: str) -> list[list[int]]:
    stops = forced_tokens.stops(model)
    settings = {"eos_token_id": stops, "pad_token_id": forced_tokens.padding(model)} if stops else {}
    with forced_tokens.plain_settings(model, **settings):
        return _generated(model, rows, TOKENS_FOR_INSTRUCTIONS[profile])


def _generated(model: Any, rows: list[Any], limit: int, **options: Any) -> list[list[int]]:
    import torch

    batch = generate.padded(rows, forced_tokens.padding(model), left=not model.config.is_encoder_decoder)
    given = {name: batch[name].to(model.device) for name in ("input_ids", "attention_mask")}
    if not generate.takes(model, "attention_mask"):
        del given["attention_mask"]
    count = room(model, generate.start_of_answer(model, given), limit)
    with generate.refusals("generate()"), torch.inference_mode():
        return forced_tokens.new_ids(model, given, model.generate(**given, max_new_tokens=count, **options))


def _answer(model: Any, tokenizer: Any, asked: Asked, ids: Sequence[int], *, with_stop: bool) -> Answer[Asked]:
    stops = forced_tokens.stops(model)
    end = next((index for index, each in enumerate(ids) if each in stops), None)
    kept = list(ids) if end is None else list(ids[: end + with_stop])
    return Answer(asked, tuple(kept), end is not None, str(tokenizer.decode(kept, skip_special_tokens=True)))
