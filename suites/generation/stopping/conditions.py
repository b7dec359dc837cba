"""Stop conditions of generation, each with forced tokens and the expected output."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from fixtures.machine import library_versions
from suites.running import forced_tokens

TEXT = "alpha beta gamma delta epsilon zeta eta theta"
"""Text that the model is forced to generate."""


@dataclass(frozen=True)
class Condition:
    """A stop condition."""

    name: str
    forced: list[int]
    """Tokens that the model is forced to generate; it would go on after them."""
    expected: list[int] | int
    """The expected new ids, or their number."""
    settings: dict[str, Any] = field(default_factory=dict)
    never: tuple[int, ...] = ()
    """Ids that must not occur among the new ones before the last."""

    def holds(self, ids: list[int]) -> bool:
        """True if the new ids are as expected."""
        if isinstance(self.expected, int):
            return len(ids) == self.expected and not set(self.never) & set(ids[:-1])
        return ids == self.expected


def conditions(model: Any, tokenizer: Any, start: int) -> Iterator[Condition]:
    """Yields every condition; `start` is the number of ids before the first new one."""
    forced = forced_tokens.text_ids(model, tokenizer, TEXT)[:8]
    first, last = forced[0], forced[-1]
    yield Condition("max_new_tokens", forced, forced[:3], {"max_new_tokens": 3})
    yield Condition("max_length", forced, forced[:2], {"max_length": start + 2})
    yield Condition("a custom StoppingCriteria", forced, forced[:2], {"stopping_criteria": _stop_at(start + 2)})
    for name, ids in {"eos_token_id": [last], "the list eos_token_id": [_unused(forced), last]}.items():
        end = forced.index(last) + 1
        yield Condition(name, forced, forced[:end], {"eos_token_id": ids if len(ids) > 1 else ids[0]})
    stop = {"eos_token_id": last, "min_new_tokens": 3}
    yield Condition("min_new_tokens", [first, last, last, last], 4, stop, never=(last,) if first != last else ())
    yield from _stop_string(tokenizer, forced)


def _stop_string(tokenizer: Any, forced: list[int]) -> Iterator[Condition]:
    """Yields a word in the middle of the decoded text as a stop string, if the library supports the tokenizer."""
    if library_versions.of_mistral_common(tokenizer) or getattr(tokenizer, "backend_tokenizer", None) is None:
        return
    words = tokenizer.decode(forced).split()
    if len(words) < 3 or words[1] in words[0]:
        return
    word = words[1]
    end = next(size for size in range(1, len(forced) + 1) if word in tokenizer.decode(forced[:size]))
    yield Condition("stop_strings", forced, forced[:end], {"stop_strings": [word], "tokenizer": tokenizer})


def _unused(ids: list[int]) -> int:
    return next(each for each in range(len(ids) + 1) if each not in ids)


def _stop_at(length: int) -> Any:
    """Returns a criterion that ends every row at a length."""
    import torch
    from transformers import StoppingCriteria, StoppingCriteriaList

    class LongEnough(StoppingCriteria):  # type: ignore[misc]
        def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
            done = input_ids.shape[1] >= length
            return torch.full((input_ids.shape[0],), done, dtype=torch.bool, device=input_ids.device)

    return StoppingCriteriaList([LongEnough()])
