"""What a model is tried on: one token, many tokens, rows of unequal length, a row of padding alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fixtures.inputs import corpus
from suites.findings import Unsupported

WORK = {"quick": 1.5e10, "standard": 1e11, "exhaustive": 1e13}
"""Tokens times parameters of the longest input."""
MOST = {"quick": 512, "standard": 4096, "exhaustive": 1 << 20}
FEWEST, ROW = 16, 16
LIMITS = ("max_position_embeddings", "n_positions", "max_sequence_length", "max_seq_len", "n_ctx", "seq_length")
PADDED, EMPTY = "rows of unequal length, padded", "a batch in which one row is padding alone"

Inputs = dict[str, Any]


def batches(model: Any, tokenizer: Any, parameters: int, profile: str) -> dict[str, Inputs]:
    """Inputs by what they are, on the model's device; `Unsupported` where the model reads something else than text."""
    if getattr(model, "main_input_name", "input_ids") != "input_ids":
        raise Unsupported(f"the model reads {model.main_input_name}, not text")
    length = min(longest(model), MOST[profile], max(FEWEST, int(WORK[profile] / max(1, parameters))))
    ids = _ids(tokenizer, length, model.get_input_embeddings().weight.shape[0])
    short = ids[: min(ROW, length)]
    left = tokenizer.padding_side == "left"
    found = {
        "one token": _inputs(model, [ids[:1]], left=left),
        f"{length} tokens": _inputs(model, [ids], left=left),
        PADDED: _inputs(model, [short, short[: max(1, len(short) // 3)]], left=left),
    }
    if not tokenizer("").input_ids:  # no special token stands for an empty text
        found[EMPTY] = _inputs(model, [short, []], left=left)
    return found


def longest(model: Any) -> int:
    """Positions that the model has; where it has no table of them, no limit."""
    config = model.config.get_text_config()
    limits = [limit for name in LIMITS if isinstance(limit := getattr(config, name, None), int) and limit > 0]
    return min([*limits, *_tables(model), 1 << 30])


def _tables(model: Any) -> Iterator[int]:
    """Rows of position tables; those that start behind a padding index, as RoBERTa's do, hold fewer positions."""
    for name, module in model.named_modules():
        weight = getattr(module, "weight", None)
        if "position" in name and hasattr(module, "num_embeddings") and weight is not None:
            padding = getattr(module, "padding_idx", None)
            yield int(weight.shape[0]) - (padding + 1 if isinstance(padding, int) else 0)


def _ids(tokenizer: Any, length: int, rows: int) -> list[int]:
    """Ids of prose in many languages, as often as needed, with the special tokens in front that a text gets."""
    text = " ".join(line for name in sorted(corpus.LANGUAGES) for line in corpus.sections()[name])
    ids = [number for number in tokenizer(text[: 8 * length]).input_ids if number < rows]
    if not ids:
        raise Unsupported("the tokenizer writes no id that has an embedding row")
    return (ids * (length // len(ids) + 1))[:length]


def _inputs(model: Any, rows: list[list[int]], *, left: bool) -> Inputs:
    """Padded `input_ids` and `attention_mask`, with the first ids of the decoder where there is one."""
    import torch

    width, filler = max(map(len, rows)), rows[0][0]
    ids, mask = [], []
    for row in rows:
        padding = [filler] * (width - len(row))
        ids.append([*padding, *row] if left else [*row, *padding])
        ones, zeros = [1] * len(row), [0] * len(padding)
        mask.append([*zeros, *ones] if left else [*ones, *zeros])
    found = {"input_ids": torch.tensor(ids), "attention_mask": torch.tensor(mask)}
    if model.config.is_encoder_decoder:
        found["decoder_input_ids"] = found["input_ids"][:1, :4].repeat(len(rows), 1)
    return {name: tensor.to(model.device) for name, tensor in found.items()}
