from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from fixtures.session.uses import uses
from suites.findings import Defect
from suites.running import forced_tokens

CALLS, NEW_TOKENS = 3, 3


@uses("serving")
def test_memory_does_not_grow(tokenizer: Any, generator: Any) -> None:
    """Repeated calls of `generate` do not increase the number of tensors in memory.

    Why: a server that stores a cache or a list of states per call runs out of memory after hours, while every single
        answer is correct.
    Fix: Look for lists and dictionaries that the model's code, its hooks or its cache append to at each call.
    Source: https://github.com/huggingface/transformers/pull/47731
    """
    inputs = forced_tokens.prompt(generator, tokenizer)
    with forced_tokens.plain_settings(generator):
        for _ in range(2):  # for tables that are created once
            forced_tokens.generated(generator, inputs, max_new_tokens=NEW_TOKENS)
        with only_new_objects():
            left = [_left_behind(generator, inputs) for _ in range(CALLS)]
    numbers, sizes = [number for number, _ in left], [size for _, size in left]
    if all(after > before for before, after in zip([0, *numbers], numbers, strict=False)):
        raise Defect(
            f"Each call of generate() leaves {numbers[-1] - numbers[-2]} tensors "
            f"({sizes[-1] - sizes[-2]:,} bytes) behind: memory grows with every call.",
            evidence={"tensors after each call": numbers, "bytes after each call": sizes},
        )


def _left_behind(model: Any, inputs: dict[str, Any]) -> tuple[int, int]:
    """Returns number and bytes of the live tensors after one more call."""
    import torch

    forced_tokens.generated(model, inputs, max_new_tokens=NEW_TOKENS)
    gc.collect()
    alive = [each for each in gc.get_objects() if issubclass(type(each), torch.Tensor)]
    return len(alive), sum(each.numel() * each.element_size() for each in alive)


@contextmanager
def only_new_objects() -> Iterator[None]:
    """Limits the garbage collector to objects created within the context, since all others take long to traverse."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
