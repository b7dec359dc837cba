"""Input batches for tests of finite outputs: one token, many tokens, rows of unequal length, a row of padding only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fixtures.inputs import tokenizer_corpus
from suites.findings import Blocked, NotApplicable
from suites.running.limits import vocabulary

TOKEN_PARAMETERS = {"quick": 1.5e10, "standard": 1e11, "exhaustive": 1e13}
"""Tokens times parameters of the longest input."""
MAX_TOKENS = {"quick": 512, "standard": 4096, "exhaustive": 1 << 20}
MIN_TOKENS, SHORT_ROW = 16, 16
LIMITS = ("max_position_embeddings", "n_positions", "max_sequence_length", "max_seq_len", "n_ctx", "seq_length")
PADDED, EMPTY = "rows of unequal length, padded", "a batch in which one row is padding alone"

Inputs = dict[str, Any]


def batches(model: Any, tokenizer: Any, parameters: int, profile: str) -> dict[str, Inputs]:
    """Returns the inputs by description, on the model's device; raises NotApplicable if it reads no text."""
    if getattr(model, "main_input_name", "input_ids") != "input_ids":
        raise NotApplicable(f"the model's input is {model.main_input_name}, and this check needs one that reads text")
    length = min(
        longest(model), MAX_TOKENS[profile], max(MIN_TOKENS, int(TOKEN_PARAMETERS[profile] / max(1, parameters)))
    )
    ids = _ids(tokenizer, length, vocabulary(model))
    short = ids[: min(SHORT_ROW, length)]
    left = tokenizer.padding_side == "left"
    found = {
        "one token": _inputs(model, [ids[:1]], left=left),
        f"{length} tokens": _inputs(model, [ids], left=left),
        PADDED: _inputs(model, [short, short[: max(1, len(short) // 3)]], left=left),
    }
    if not tokenizer("").input_ids:  # otherwise special tokens make up an empty text
        found[EMPTY] = _inputs(model, [short, []], left=left)
    return found


def longest(model: Any) -> int:
    """Returns the number of positions of the model; a very large one if there is no limit."""
    config = model.config.get_text_config()
    limits = [limit for name in LIMITS if isinstance(limit := getattr(config, name, None), int) and limit > 0]
    return min([*limits, *_tables(model), 1 << 30])


def _tables(model: Any) -> Iterator[int]:
    """Yields the positions of each position table; tables that start after a padding index (RoBERTa) have fewer."""
    for name, module in model.named_modules():
        weight = getattr(module, "weight", None)
        if "position" in name and hasattr(module, "num_embeddings") and weight is not None:
            padding = getattr(module, "padding_idx", None)
            yield int(weight.shape[0]) - (padding + 1 if isinstance(padding, int) else 0)


def _ids(tokenizer: Any, length: int, rows: int) -> list[int]:
    """Ids of prose in many languages, repeated as needed, with the special tokens before a text."""
    text = " ".join(line for name in sorted(tokenizer_corpus.LANGUAGES) for line in tokenizer_corpus.sections()[name])
    ids = [number for number in tokenizer(text[: 8 * length]).input_ids if number < rows]
    if not ids:
        summary = "no token of the sample text has an embedding row, so there is no input to run"
        raise Blocked("tokenizers/ids-have-embedding-rows", summary)
    return (ids * (length // len(ids) + 1))[:length]


def _inputs(model: Any, rows: list[list[int]], *, left: bool) -> Inputs:
    """Padded `input_ids` and `attention_mask`; for an encoder-decoder, also `decoder_input_ids`."""
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
