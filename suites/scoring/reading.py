"""A model in two parts: what reads the text, and the head, which runs only on positions that somebody asks about.

The head is not rebuilt: the model's own forward pass is run with its reading part answering from memory, so whatever
it does to logits (a bias, a scale, a soft cap) is done. Where the parts do not give the logits of the whole, the whole
is run.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from suites.findings import Unsupported
from suites.running import generate
from suites.running.limits import vocabulary

CHUNK_BYTES = 32_000_000
"""Of float32 logits at a time, whatever the vocabulary and the text."""
TRIED = 6
_READERS: WeakKeyDictionary[Any, Reader] = WeakKeyDictionary()


def reader(model: Any) -> Reader:
    """How this model is read; tried once, on a few tokens, and kept as long as the model lives.

    Raises Unsupported for an encoder-decoder, and for a model that cannot be run at all.
    """
    if model.config.is_encoder_decoder:
        raise Unsupported("the scorer knows decoders only, and this is an encoder-decoder")
    if model not in _READERS:
        with generate.refusals("A forward pass"):
            _READERS[model] = _tried(model)
    return _READERS[model]


class Reader:
    """The whole model: `states` are logits already."""

    def __init__(self) -> None:
        self.packs_to = 0
        """The longest packed row that was tried and is right; -1 where one was wrong."""

    def states(self, model: Any, batch: Mapping[str, Any]) -> Any:
        """What the model makes of a batch (rows x positions x width), on its device."""
        return model(**batch, **_plain(model)).logits

    def logits(self, model: Any, states: Any) -> Any:
        """Logits (positions x vocabulary) in float32 of states (positions x width)."""
        return states.float()

    def fits(self, model: Any) -> int:
        """How many positions' logits are computed at once."""
        rows = getattr(model.config.get_text_config(decoder=True), "vocab_size", None) or 50_000
        return max(1, CHUNK_BYTES // (4 * int(rows)))


class Parts(Reader):
    """The reading part and the head apart."""

    def __init__(self, part: Any, answer: Any):
        super().__init__()
        self.part, self.answer = part, answer
        """`answer` is an output of the reading part, to put other states into."""

    def states(self, model: Any, batch: Mapping[str, Any]) -> Any:
        return self.part(**batch, **_plain(self.part)).last_hidden_state

    def logits(self, model: Any, states: Any) -> Any:
        import torch

        answer = copy.copy(self.answer)
        answer["last_hidden_state"] = states[None]
        ids = torch.zeros(1, len(states), dtype=torch.long, device=model.device)
        with _answering(self.part, answer):
            return model(input_ids=ids, **_plain(model)).logits[0].float()


@contextmanager
def _answering(part: Any, answer: Any) -> Iterator[None]:
    """While it holds, this part of the model returns `answer` whatever it is given."""
    own = vars(part).get("forward")
    part.forward = lambda *inputs, **options: answer
    try:
        yield
    finally:
        if own is None:
            del part.forward
        else:
            part.forward = own


def _plain(part: Any) -> dict[str, Any]:
    return {name: value for name, value in (("use_cache", False), ("return_dict", True)) if generate.takes(part, name)}


def _tried(model: Any) -> Reader:
    """The model in parts, where they give what the whole gives on a few tokens."""
    import torch

    rows = vocabulary(model)
    ids = (torch.arange(2 * TRIED, device=model.device) * 7919 % rows).reshape(2, TRIED)
    with torch.inference_mode():
        whole = Reader().states(model, {"input_ids": ids}).float()
        for part in _candidates(model):
            found = _parts(model, part, ids, whole)
            if found:
                return found
    return Reader()


def _candidates(model: Any) -> list[Any]:
    """What may be the reading part: the model without its head, or the decoder in it, which some models call."""
    named = (getattr(model, "base_model", model), model.get_decoder() if hasattr(model, "get_decoder") else model)
    return [part for part in named if part is not model and part is not None]


def _parts(model: Any, part: Any, ids: Any, whole: Any) -> Reader | None:
    try:
        found = Parts(part, part(input_ids=ids[:1, :1], **_plain(part)))
        logits = found.logits(model, found.states(model, {"input_ids": ids}).flatten(0, 1))
        return found if agree(logits.view_as(whole), whole, model.dtype) else None
    except generate.REFUSALS as failure:
        if generate.machine_failed(failure):
            raise
        return None


def agree(logits: Any, others: Any, dtype: Any) -> bool:
    """Whether two computations of the same logits (float32) by a model of this dtype differ by rounding only.

    Eight roundings of the largest logit in half precision; in float32, where sums of thousands of terms round oftener
    than results do, a thousand.
    """
    import torch

    roundings = 1024 if torch.finfo(dtype).bits >= 32 else 8
    allowed = roundings * torch.finfo(dtype).eps * float(others.abs().amax())
    return bool(logits.shape == others.shape) and float((logits - others).abs().amax()) <= allowed
