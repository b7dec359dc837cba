"""Leading a generation: which tokens it chooses, and by which settings, whatever the checkpoint ships.

A model that says what a check wants it to say shows whether generation stops, streams and pads as it should, without
near-ties and whatever the model has learned.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from suites.findings import Unsupported
from suites.running import generate
from suites.running.limits import vocabulary

PUSH = 1e6
"""Added to a logit: above any other that is finite, and no way round a token that was forbidden with minus infinity."""
PROMPT = "One, two, three, one, two,"
"""It says something twice, for what counts repetitions."""


@contextmanager
def plain_settings(model: Any, **values: Any) -> Iterator[None]:
    """While it holds, the model's generation config has its ids and `values`, and no setting of the checkpoint's own.

    There are no stop tokens but those in `values`.
    """
    from transformers import GenerationConfig

    shipped = model.generation_config
    ids = {name: getattr(shipped, name, None) for name in ("bos_token_id", "decoder_start_token_id")}
    plain = {"eos_token_id": None, "pad_token_id": padding(model), "do_sample": False, "max_length": None}
    model.generation_config = GenerationConfig(**(ids | plain | values))
    try:
        yield
    finally:
        model.generation_config = shipped


def padding(model: Any) -> int:
    """The id that generation writes after a row's end: the declared one, else the first stop token, else 0."""
    declared = model.generation_config.pad_token_id
    return int(declared) if declared is not None else next(iter(stops(model)), 0)


def stops(model: Any) -> list[int]:
    """The ids at which the shipped settings stop, those that the model has a row for."""
    declared = model.generation_config.eos_token_id
    given = list(declared) if isinstance(declared, (list, tuple)) else [] if declared is None else [int(declared)]
    return [each for each in given if 0 <= each < vocabulary(model)]


def prompt(model: Any, tokenizer: Any, *, text: str = PROMPT, rows: int = 1) -> dict[str, Any]:
    """`input_ids` and `attention_mask` (rows x length) of one text, on the model's device."""
    import torch

    ids = said(model, tokenizer, text, special=True)
    repeated = torch.tensor([ids] * rows, device=model.device)
    return {"input_ids": repeated, "attention_mask": torch.ones_like(repeated)}


def said(model: Any, tokenizer: Any, text: str, *, special: bool = False) -> list[int]:
    """The ids of a text that the model has rows for.

    Raises:
        Unsupported: fewer than two of them are left.
    """
    ids = [each for each in tokenizer(text, add_special_tokens=special)["input_ids"] if each < vocabulary(model)]
    stop = stops(model)
    ids = ids[:-1] if special and ids and ids[-1] in stop else ids
    if len(ids) < 2:
        raise Unsupported(f"the tokenizer has no two ids for {text!r} that the model has embeddings for")
    return ids


def steered(rows: Sequence[Sequence[int]], start: int) -> Any:
    """Logits processors that push row i to say `rows[i]`, then nothing in particular.

    `start` is the number of ids that stand before the first new one.
    """
    from transformers import LogitsProcessorList

    return LogitsProcessorList([_Steering(rows, start)])


class _Steering:
    def __init__(self, rows: Sequence[Sequence[int]], start: int):
        self.rows, self.start = rows, start

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        if bool(scores.isnan().any()):
            raise Unsupported("the logits are not finite (see integrity), so the model cannot be led")
        step = input_ids.shape[1] - self.start
        scores = scores.clone()
        for number, row in enumerate(self.rows):
            if step < len(row):
                scores[number, row[step]] += PUSH
        return scores


def generated(model: Any, inputs: dict[str, Any], *, says: Sequence[Sequence[int]] = (), **settings: Any) -> Any:
    """What `generate` returns, with the model led to say `says`, row by row.

    Raises:
        Unsupported: it fails (told by generation/vital-signs).
    """
    import torch

    if says:
        settings["logits_processor"] = steered(says, generate.start_of_answer(model, inputs))
    with generate.refusals("generate()"), torch.inference_mode():
        return model.generate(**inputs, **settings)


def new_ids(model: Any, inputs: dict[str, Any], output: Any) -> list[list[int]]:
    """The new ids of every row."""
    start = generate.start_of_answer(model, inputs)
    sequences = output if hasattr(output, "shape") else output.sequences
    return [[int(each) for each in row[start:]] for row in sequences]
