"""Generates tokens and computes logits; every function leaves the model as it was."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fixtures.machine import library_versions
from suites.findings import Finding, Refused
from suites.running.agreement import Run


def generated(model: Any, inputs: Mapping[str, Any], count: int, **options: Any) -> list[Run]:
    """Generates `count` new tokens greedily, one run per row, without stop tokens and the checkpoint's settings."""
    return repeated(model, inputs, count, calls=1, **options)[0]


def repeated(model: Any, inputs: Mapping[str, Any], count: int, *, calls: int, **options: Any) -> list[list[Run]]:
    """Returns the runs of several such calls in a row, so that each finds what the one before left on the model."""
    with plain_greedy(model):
        return [runs(output(model, inputs, count, **options)) for _ in range(calls)]


def output(model: Any, inputs: Mapping[str, Any], count: int, **options: Any) -> Any:
    """Returns the output of `generate`, with its logits; to be called within `plain_greedy`."""
    import torch

    options = {"output_logits": True, "return_dict_in_generate": True} | options
    with torch.inference_mode():
        return model.generate(**placed(model, inputs), max_new_tokens=count, **options)


def as_shipped(model: Any, inputs: Mapping[str, Any], count: int) -> list[list[int]]:
    """Generates greedily with the checkpoint's other settings; returns the new ids of each row."""
    import torch

    with without_leftovers(model), torch.inference_mode():
        ids = model.generate(**placed(model, inputs), max_new_tokens=count, do_sample=False)
    start = start_of_answer(model, inputs)
    return [list(row) for row in ids[:, start:].tolist()]


def start_of_answer(model: Any, inputs: Mapping[str, Any]) -> int:
    """Returns the number of ids of a generated row before the first new one."""
    return 1 if model.config.is_encoder_decoder else int(inputs["input_ids"].shape[1])


def runs(output: Any) -> list[Run]:
    """Returns tokens and logits of every row of an output of `generate`."""
    import torch

    logits = torch.stack(output.logits, dim=1).float().cpu()
    ids = output.sequences[:, -logits.shape[1] :].tolist()
    return [Run(row, values) for row, values in zip(ids, logits, strict=True)]


def forward(model: Any, inputs: Mapping[str, Any], **options: Any) -> Any:
    """Returns the output of one forward pass, by default without a cache."""
    import torch

    options = {"use_cache": False, "return_dict": True} | options
    with torch.inference_mode():
        return model(**placed(model, inputs), **{name: value for name, value in options.items() if takes(model, name)})


def logits(model: Any, inputs: Mapping[str, Any], **options: Any) -> Any:
    """Returns the logits of one forward pass (rows x positions x vocabulary), float32 on the CPU."""
    return forward(model, inputs, **options).logits.float().cpu()


def placed(model: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the inputs that the model takes, on its device."""
    return {name: value.to(model.device) for name, value in inputs.items() if takes(model, name)}


def takes(model: Any, name: str) -> bool:
    """True if the model's forward pass has this argument, or may pass it on through catch-all arguments."""
    names, catches_all = _arguments(type(model))
    return name in names or (catches_all and name in ("use_cache", "return_dict", "output_attentions"))


def cache_argument(model: Any) -> str | None:
    """Returns the name of the argument of the forward pass that takes a cache of keys and values, if it is named."""
    return library_versions.cache_argument(_arguments(type(model))[0])


def _arguments(kind: Any) -> tuple[frozenset[str], bool]:
    parameters = inspect.signature(kind.forward).parameters
    catches_all = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values())
    return frozenset(parameters), catches_all


@contextmanager
def plain_greedy(model: Any) -> Iterator[None]:
    """Replaces the shipped generation config by greedy defaults within the context."""
    from transformers import GenerationConfig

    shipped = model.generation_config
    ids = ("bos_token_id", "pad_token_id", "decoder_start_token_id")
    model.generation_config = GenerationConfig(**{name: getattr(shipped, name, None) for name in ids})
    try:
        with without_leftovers(model):
            yield
    finally:
        model.generation_config = shipped


@contextmanager
def without_leftovers(model: Any) -> Iterator[None]:
    """Removes attributes that calls leave on the model afterwards: caches, lengths, compiled calls."""
    before = set(vars(model))
    try:
        yield
    finally:
        for name in set(vars(model)) - before:
            delattr(model, name)


ATTENTION = "_attn_implementation_internal"
# Raised by a library or by remote code that does not support a call; not for memory, devices or time.
REFUSALS = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    ImportError,
    RuntimeError,
    NotImplementedError,
)
FILE_ERROR = "SafetensorError"
"""Raised for a wrong index or a truncated file, which the integrity suite reports."""
MACHINE_FAILURES = ("out of memory", "cuda error", "can't allocate", "not enough memory", "accelerator")


@contextmanager
def refusals(what: str) -> Iterator[None]:
    """Turns an exception of the library into `Refused`, because a clear error misleads no user.

    A failure of the machine stays an error.
    """
    try:
        yield
    except Finding:
        raise
    except Exception as refusal:
        if machine_failed(refusal) or not (isinstance(refusal, REFUSALS) or type(refusal).__name__ == FILE_ERROR):
            raise
        first = (str(refusal).strip().splitlines() or [""])[0][:200]
        raise Refused(f"{what} fails with {type(refusal).__name__}: {first}") from refusal


def machine_failed(failure: Exception) -> bool:
    """True if memory or the device is the cause."""
    return any(word in f"{type(failure).__name__} {failure}".lower() for word in MACHINE_FAILURES)


@contextmanager
def attention(model: Any, implementation: str) -> Iterator[None]:
    """Switches the attention implementation within the context.

    Afterwards it is restored in the config of every part, because the public setter does not always restore the parts.
    """
    configs = [module.config for module in model.modules() if hasattr(module, "config")]
    before = [(config, getattr(config, ATTENTION)) for config in configs if hasattr(config, ATTENTION)]
    try:
        model.set_attn_implementation(implementation)
        yield
    finally:
        for config, own in before:
            setattr(config, ATTENTION, own)


def padded(rows: list[Any], pad: int, *, left: bool) -> dict[str, Any]:
    """Pads rows of ids (1-d tensors); returns `input_ids`, `attention_mask` and `position_ids`."""
    import torch

    length = max(len(row) for row in rows)
    fills = [torch.full((length - len(row),), pad) for row in rows]
    pairs = list(zip(rows, fills, strict=True))
    ids = torch.stack([torch.cat([fill, row] if left else [row, fill]) for row, fill in pairs])
    ones = [(torch.ones(len(row)), torch.zeros(len(fill))) for row, fill in pairs]
    mask = torch.stack([torch.cat([zero, one] if left else [one, zero]) for one, zero in ones]).long()
    positions = (mask.cumsum(dim=1) - 1).clamp(min=0)
    return {"input_ids": ids, "attention_mask": mask, "position_ids": positions}
