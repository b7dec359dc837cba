"""Makes `generate()` choose given tokens, with settings that do not depend on the checkpoint.

With forced tokens a check can test stopping, streaming and padding of any model, without near-ties.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from suites.findings import Blocked
from suites.running import generate
from suites.running.limits import vocabulary

LOGIT_INCREASE = 1e6
"""Added to a logit: larger than any finite logit; a token forbidden with minus infinity stays forbidden."""
PROMPT = "One, two, three, one, two,"
"""Contains repetitions, for settings that count them."""


@contextmanager
def plain_settings(model: Any, **values: Any) -> Iterator[None]:
    """Replaces the model's generation config by its bos and decoder start ids and `values` within the context.

    There are no stop tokens except those in `values`.
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
    """Returns the pad id of generation: the declared one, else the first stop token, else 0."""
    declared = model.generation_config.pad_token_id
    return int(declared) if declared is not None else next(iter(stops(model)), 0)


def stops(model: Any) -> list[int]:
    """Returns the shipped stop ids that the model has an embedding for."""
    declared = model.generation_config.eos_token_id
    given = list(declared) if isinstance(declared, (list, tuple)) else [] if declared is None else [int(declared)]
    return [each for each in given if 0 <= each < vocabulary(model)]


def prompt(model: Any, tokenizer: Any, *, text: str = PROMPT, rows: int = 1) -> dict[str, Any]:
    """Returns `input_ids` and `attention_mask` (rows x length) of a text, on the model's device."""
    import torch

    ids = text_ids(model, tokenizer, text, special=True)
    repeated = torch.tensor([ids] * rows, device=model.device)
    return {"input_ids": repeated, "attention_mask": torch.ones_like(repeated)}


def text_ids(model: Any, tokenizer: Any, text: str, *, special: bool = False) -> list[int]:
    """Returns the ids of a text that the model has embeddings for.

    Raises:
        Blocked: there are fewer than two.
    """
    ids = [each for each in tokenizer(text, add_special_tokens=special)["input_ids"] if each < vocabulary(model)]
    stop = stops(model)
    ids = ids[:-1] if special and ids and ids[-1] in stop else ids
    if len(ids) < 2:
        summary = f"fewer than two tokens of {text!r} have an embedding"
        raise Blocked("tokenizers/ids-have-embedding-rows", summary)
    return ids


def forcing(rows: Sequence[Sequence[int]], start: int) -> Any:
    """Returns logits processors that make row i generate `rows[i]`; later tokens are free.

    `start` is the number of ids before the first new one.
    """
    from transformers import LogitsProcessorList

    return LogitsProcessorList([_Forcing(rows, start)])


class _Forcing:
    def __init__(self, rows: Sequence[Sequence[int]], start: int):
        self.rows, self.start = rows, start

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        if bool(scores.isnan().any()):
            summary = "the logits are not finite, so the check cannot force the model to produce chosen tokens"
            raise Blocked("integrity/logits-finite", summary)
        step = input_ids.shape[1] - self.start
        scores = scores.clone()
        for number, row in enumerate(self.rows):
            if step < len(row):
                scores[number, row[step]] += LOGIT_INCREASE
        return scores


def generated(model: Any, inputs: dict[str, Any], *, forced: Sequence[Sequence[int]] = (), **settings: Any) -> Any:
    """Returns the output of `generate`, with the tokens `forced` in each row.

    Raises:
        Refused: `generate` fails (reported by generation/vital-signs).
    """
    import torch

    if forced:
        settings["logits_processor"] = forcing(forced, generate.start_of_answer(model, inputs))
    with generate.refusals("generate()"), torch.inference_mode():
        return model.generate(**inputs, **settings)


def new_ids(model: Any, inputs: dict[str, Any], output: Any) -> list[list[int]]:
    """Returns the new ids of every row."""
    start = generate.start_of_answer(model, inputs)
    sequences = output if hasattr(output, "shape") else output.sequences
    return [[int(each) for each in row[start:]] for row in sequences]
