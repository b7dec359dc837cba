"""Runs a model's body and head separately, so that the head computes only the positions that are needed.

The head is the model's own forward pass with a body that returns given states, so a bias, scale or soft cap on logits
is applied. If body and head do not give the logits of the whole model, the whole model is run.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from suites.findings import Limit
from suites.running import generate
from suites.running.limits import vocabulary

CHUNK_BYTES = 32_000_000
"""Bytes of float32 logits computed at a time."""
TEST_LENGTH = 6
_READERS: WeakKeyDictionary[Any, Reader] = WeakKeyDictionary()


def reader(model: Any) -> Reader:
    """Returns the reader of a model; chosen once by a test on a few tokens.

    Raises:
        Limit: the model is an encoder-decoder.
        Refused: it cannot be run at all.
    """
    if model.config.is_encoder_decoder:
        raise Limit("likelihoods are computed for decoders only, and this is an encoder-decoder")
    if model not in _READERS:
        with generate.refusals("A forward pass"):
            _READERS[model] = _chosen(model)
    return _READERS[model]


class Reader:
    """Runs the whole model: its `states` are already logits."""

    def __init__(self) -> None:
        self.packs_up_to = 0
        """Longest packed row that was tested and is correct; -1 if one was wrong."""

    def states(self, model: Any, batch: Mapping[str, Any]) -> Any:
        """Returns the states of a batch (rows x positions x width), on the model's device."""
        return model(**batch, **_options(model)).logits

    def logits(self, model: Any, states: Any) -> Any:
        """Returns the logits (positions x vocabulary, float32) of states (positions x width)."""
        return states.float()

    def chunk_size(self, model: Any) -> int:
        """Returns the number of positions whose logits are computed at once."""
        rows = getattr(model.config.get_text_config(decoder=True), "vocab_size", None) or 50_000
        return max(1, CHUNK_BYTES // (4 * int(rows)))


class SplitReader(Reader):
    """Runs body and head separately."""

    def __init__(self, body: Any, output: Any):
        super().__init__()
        self.body, self.output = body, output
        """`output` is an output of the body, in which states are replaced."""

    def states(self, model: Any, batch: Mapping[str, Any]) -> Any:
        return self.body(**batch, **_options(self.body)).last_hidden_state

    def logits(self, model: Any, states: Any) -> Any:
        import torch

        output = copy.copy(self.output)
        output["last_hidden_state"] = states[None]
        ids = torch.zeros(1, len(states), dtype=torch.long, device=model.device)
        with _returning(self.body, output):
            return model(input_ids=ids, **_options(model)).logits[0].float()


@contextmanager
def _returning(body: Any, output: Any) -> Iterator[None]:
    """Makes the body return `output` for any input within the context."""
    own = vars(body).get("forward")
    body.forward = lambda *inputs, **options: output
    try:
        yield
    finally:
        if own is None:
            del body.forward
        else:
            body.forward = own


def _options(part: Any) -> dict[str, Any]:
    return {name: value for name, value in (("use_cache", False), ("return_dict", True)) if generate.takes(part, name)}


def _chosen(model: Any) -> Reader:
    """A reader of body and head if they give the logits of the whole model on a few tokens; else of the whole model."""
    import torch

    rows = vocabulary(model)
    ids = (torch.arange(2 * TEST_LENGTH, device=model.device) * 7919 % rows).reshape(2, TEST_LENGTH)
    with torch.inference_mode():
        whole = Reader().states(model, {"input_ids": ids}).float()
        for body in _candidates(model):
            found = _split(model, body, ids, whole)
            if found:
                return found
    return Reader()


def _candidates(model: Any) -> list[Any]:
    """Possible bodies: the base model, or the decoder in it, which some models call."""
    named = (getattr(model, "base_model", model), model.get_decoder() if hasattr(model, "get_decoder") else model)
    return [part for part in named if part is not model and part is not None]


def _split(model: Any, body: Any, ids: Any, whole: Any) -> Reader | None:
    try:
        found = SplitReader(body, body(input_ids=ids[:1, :1], **_options(body)))
        logits = found.logits(model, found.states(model, {"input_ids": ids}).flatten(0, 1))
        return found if equal_within_rounding(logits.view_as(whole), whole, model.dtype) else None
    except generate.REFUSALS as failure:
        if generate.machine_failed(failure):
            raise
        return None


def equal_within_rounding(logits: Any, others: Any, dtype: Any) -> bool:
    """True if two computations of the same logits (float32) by a model of this dtype differ by rounding only.

    Allows eight rounding errors of the largest logit in half precision; a thousand in float32, where sums of thousands
    of terms round more often than the result.
    """
    import torch

    roundings = 1024 if torch.finfo(dtype).bits >= 32 else 8
    allowed = roundings * torch.finfo(dtype).eps * float(others.abs().amax())
    return bool(logits.shape == others.shape) and float((logits - others).abs().amax()) <= allowed
