"""Conditions that end a generation, each with what must come out when the model is led to say known tokens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from fixtures.machine import library_versions
from suites.running import forced_tokens

SPEECH = "alpha beta gamma delta epsilon zeta eta theta"
"""What the model is led to say."""


@dataclass(frozen=True)
class Condition:
    """One way to stop."""

    name: str
    says: list[int]
    """What the model is led to say; it would go on after it."""
    expected: list[int] | int
    """The new ids that must come out, or how many."""
    settings: dict[str, Any] = field(default_factory=dict)
    never: tuple[int, ...] = ()
    """Ids that must not be among the new ones before the last."""

    def kept(self, ids: list[int]) -> bool:
        if isinstance(self.expected, int):
            return len(ids) == self.expected and not set(self.never) & set(ids[:-1])
        return ids == self.expected


def conditions(model: Any, tokenizer: Any, start: int) -> Iterator[Condition]:
    """Every condition; `start` is the number of ids before the first new one."""
    speech = forced_tokens.said(model, tokenizer, SPEECH)[:8]
    first, last = speech[0], speech[-1]
    yield Condition("max_new_tokens", speech, speech[:3], {"max_new_tokens": 3})
    yield Condition("max_length", speech, speech[:2], {"max_length": start + 2})
    yield Condition("a StoppingCriteria of one's own", speech, speech[:2], {"stopping_criteria": _after(start + 2)})
    for name, ids in {"eos_token_id": [last], "the list eos_token_id": [_unsaid(speech), last]}.items():
        end = speech.index(last) + 1
        yield Condition(name, speech, speech[:end], {"eos_token_id": ids if len(ids) > 1 else ids[0]})
    stop = {"eos_token_id": last, "min_new_tokens": 3}
    yield Condition("min_new_tokens", [first, last, last, last], 4, stop, never=(last,) if first != last else ())
    yield from _stop_string(tokenizer, speech)


def _stop_string(tokenizer: Any, speech: list[int]) -> Iterator[Condition]:
    """A word in the middle of what is said, as decoding shows it; the library reads it off the vocabulary's strings."""
    if library_versions.of_mistral_common(tokenizer) or getattr(tokenizer, "backend_tokenizer", None) is None:
        return
    words = tokenizer.decode(speech).split()
    if len(words) < 3 or words[1] in words[0]:
        return
    word = words[1]
    end = next(size for size in range(1, len(speech) + 1) if word in tokenizer.decode(speech[:size]))
    yield Condition("stop_strings", speech, speech[:end], {"stop_strings": [word], "tokenizer": tokenizer})


def _unsaid(speech: list[int]) -> int:
    return next(each for each in range(len(speech) + 1) if each not in speech)


def _after(length: int) -> Any:
    """A criterion that ends every row at a length."""
    import torch
    from transformers import StoppingCriteria, StoppingCriteriaList

    class LongEnough(StoppingCriteria):  # type: ignore[misc]
        def __call__(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:
            done = input_ids.shape[1] >= length
            return torch.full((input_ids.shape[0],), done, dtype=torch.bool, device=input_ids.device)

    return StoppingCriteriaList([LongEnough()])
