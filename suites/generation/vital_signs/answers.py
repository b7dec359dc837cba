"""Greedy answers to real questions, made once for a variant and shared by the checks that look at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fixtures.inputs import questions
from fixtures.inputs.questions import Question
from fixtures.models.loading import Loaded
from fixtures.subjects.subject import Subject
from suites.findings import Unsupported
from suites.running import forced_tokens, generate, prompts

NEW_TOKENS = {"quick": 48, "standard": 64, "exhaustive": 128}
BATCH = 8


@dataclass(frozen=True)
class Answer:
    """What the model said."""

    question: Question
    ids: tuple[int, ...]
    """The new ids, up to and with the stop token."""
    stopped: bool
    """Whether a stop token ended it, and not the limit."""
    text: str
    """Without special tokens, as a user sees it."""


def answers(subject: Subject, tokenizer: Any, loaded: Loaded, profile: str) -> tuple[Answer, ...]:
    """The answers of a variant, greedy, under its shipped stop tokens and penalties.

    Raises:
        Unsupported: the template renders no prompt, or `generate` fails.
    """
    return loaded.once("answers", lambda: tuple(_answers(subject, tokenizer, loaded.model, profile)))


def _answers(subject: Subject, tokenizer: Any, model: Any, profile: str) -> list[Answer]:
    asked = questions.chosen(profile)
    found = []
    for start in range(0, len(asked), _batch(model)):
        some = asked[start : start + _batch(model)]
        rows = [_prompt(subject, tokenizer, model, question) for question in some]
        for question, ids in zip(some, _said(model, tokenizer, rows, NEW_TOKENS[profile]), strict=True):
            found.append(_answer(model, tokenizer, question, ids))
    return found


def _batch(model: Any) -> int:
    """Models that take no attention mask cannot be asked in batches."""
    return BATCH if generate.takes(model, "attention_mask") else 1


def _prompt(subject: Subject, tokenizer: Any, model: Any, question: Question) -> Any:
    """The ids of a prompt (1-d); what the model has no rows for is left out."""
    text = question.text if subject.traits.has_chat_template else question.opening
    ids = prompts.encoded(subject, tokenizer, text)["input_ids"][0]
    ids = ids[ids < forced_tokens.vocabulary(model)]
    if not len(ids):
        raise Unsupported("the tokenizer makes no tokens of the prompt that the model has embeddings for")
    return ids


def _said(model: Any, tokenizer: Any, rows: list[Any], limit: int) -> list[list[int]]:
    """The new ids of every row: greedy, no beams, everything else as shipped."""
    import torch

    batch = generate.padded(rows, forced_tokens.padding(model), left=not model.config.is_encoder_decoder)
    given = {name: batch[name].to(model.device) for name in ("input_ids", "attention_mask")}
    options: dict[str, Any] = {"do_sample": False, "num_beams": 1, "temperature": None, "top_p": None, "top_k": None}
    if getattr(model.generation_config, "stop_strings", None):
        options["tokenizer"] = tokenizer
    if not generate.takes(model, "attention_mask"):
        del given["attention_mask"]
    with generate.refusals("generate()"), torch.inference_mode():
        output = model.generate(**given, max_new_tokens=_room(model, given, limit), **options)
    return forced_tokens.new_ids(model, given, output)


def _room(model: Any, given: dict[str, Any], limit: int) -> int:
    """New tokens that there are positions for."""
    positions = getattr(model.config.get_text_config(decoder=True), "max_position_embeddings", None)
    taken = 1 if model.config.is_encoder_decoder else given["input_ids"].shape[1]
    return max(1, min(limit, positions - taken - 1)) if isinstance(positions, int) and positions > 0 else limit


def _answer(model: Any, tokenizer: Any, question: Question, ids: Sequence[int]) -> Answer:
    stops = forced_tokens.stops(model)
    end = next((place for place, each in enumerate(ids) if each in stops), None)
    kept = tuple(ids if end is None else ids[: end + 1])
    return Answer(question, kept, end is not None, str(tokenizer.decode(list(kept), skip_special_tokens=True)))
