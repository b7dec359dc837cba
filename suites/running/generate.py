"""Ways to get tokens and logits out of a model, all of which leave the model as it was."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from suites.findings import Finding, Unsupported
from suites.running.agreement import Run


def generated(model: Any, inputs: Mapping[str, Any], count: int, **options: Any) -> list[Run]:
    """Greedy generation of `count` new tokens, one run per row: no stop token, no penalty, nothing that was shipped."""
    return repeated(model, inputs, count, calls=1, **options)[0]


def repeated(model: Any, inputs: Mapping[str, Any], count: int, *, calls: int, **options: Any) -> list[list[Run]]:
    """The runs of several such calls, one after the other; what a call leaves on the model, the next one finds."""
    with plainly(model):
        return [runs(output(model, inputs, count, **options)) for _ in range(calls)]


def output(model: Any, inputs: Mapping[str, Any], count: int, **options: Any) -> Any:
    """What `generate` returns, with its logits; to be called inside of `plainly`."""
    import torch

    options = {"output_logits": True, "return_dict_in_generate": True} | options
    with torch.inference_mode():
        return model.generate(**placed(model, inputs), max_new_tokens=count, **options)


def as_shipped(model: Any, inputs: Mapping[str, Any], count: int) -> list[list[int]]:
    """New ids of a greedy generation with all that was shipped but sampling; one list per row."""
    import torch

    with tidied(model), torch.inference_mode():
        ids = model.generate(**placed(model, inputs), max_new_tokens=count, do_sample=False)
    start = start_of_answer(model, inputs)
    return [list(row) for row in ids[:, start:].tolist()]


def start_of_answer(model: Any, inputs: Mapping[str, Any]) -> int:
    """How many ids of a generated row come before the first new one."""
    return 1 if model.config.is_encoder_decoder else int(inputs["input_ids"].shape[1])


def runs(output: Any) -> list[Run]:
    """Tokens and logits of every row of what `generate` returned."""
    import torch

    logits = torch.stack(output.logits, dim=1).float().cpu()
    ids = output.sequences[:, -logits.shape[1] :].tolist()
    return [Run(row, values) for row, values in zip(ids, logits, strict=True)]


def forward(model: Any, inputs: Mapping[str, Any], **options: Any) -> Any:
    """The output of one forward pass without a cache (unless asked for)."""
    import torch

    options = {"use_cache": False, "return_dict": True} | options
    with torch.inference_mode():
        return model(**placed(model, inputs), **{name: value for name, value in options.items() if takes(model, name)})


def logits(model: Any, inputs: Mapping[str, Any], **options: Any) -> Any:
    """Logits of one forward pass (rows x positions x vocabulary), float32 on the CPU."""
    return forward(model, inputs, **options).logits.float().cpu()


def placed(model: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs that the model takes, on its device."""
    return {name: value.to(model.device) for name, value in inputs.items() if takes(model, name)}


def takes(model: Any, name: str) -> bool:
    """Whether the model's forward pass names this argument; models with catch-all arguments pass on the rest."""
    names, catches_all = _arguments(type(model))
    return name in names or (catches_all and name in ("use_cache", "return_dict", "output_attentions"))


def _arguments(kind: Any) -> tuple[frozenset[str], bool]:
    parameters = inspect.signature(kind.forward).parameters
    catches_all = any(each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters.values())
    return frozenset(parameters), catches_all


@contextmanager
def plainly(model: Any) -> Iterator[None]:
    """Greedy defaults instead of the shipped generation config."""
    from transformers import GenerationConfig

    shipped = model.generation_config
    kept = ("bos_token_id", "pad_token_id", "decoder_start_token_id")
    model.generation_config = GenerationConfig(**{name: getattr(shipped, name, None) for name in kept})
    try:
        with tidied(model):
            yield
    finally:
        model.generation_config = shipped


@contextmanager
def tidied(model: Any) -> Iterator[None]:
    """Takes off what calls leave on the model: caches, lengths, compiled calls."""
    before = set(vars(model))
    try:
        yield
    finally:
        for name in set(vars(model)) - before:
            delattr(model, name)


IN_USE = "_attn_implementation_internal"
# What a library or a remote model raises where it cannot do what it is asked. Not: memory, devices, time.
LOUD = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    AssertionError,
    ImportError,
    RuntimeError,
    NotImplementedError,
)
OF_FILES = "SafetensorError"
"""An index that names the wrong shard, a file that was cut: told by integrity."""
OF_THE_MACHINE = ("out of memory", "cuda error", "can't allocate", "not enough memory", "accelerator")


@contextmanager
def refusals(what: str) -> Iterator[None]:
    """Turns an exception of the library into `Unsupported`: who is refused aloud is not misled.

    An exhausted or broken machine stays an error.
    """
    try:
        yield
    except Finding:
        raise
    except Exception as refusal:
        if of_the_machine(refusal) or not (isinstance(refusal, LOUD) or type(refusal).__name__ == OF_FILES):
            raise
        first = (str(refusal).strip().splitlines() or [""])[0][:200]
        raise Unsupported(f"{what} fails with {type(refusal).__name__}: {first}") from refusal


def of_the_machine(failure: Exception) -> bool:
    """Whether memory or the device is to blame."""
    return any(word in f"{type(failure).__name__} {failure}".lower() for word in OF_THE_MACHINE)


@contextmanager
def attention(model: Any, implementation: str) -> Iterator[None]:
    """While it holds, the model computes attention this way.

    Afterwards every part has its own again, set where the layers read it: for a model in parts the public setter
    does not always bring the parts back.
    """
    configs = [module.config for module in model.modules() if hasattr(module, "config")]
    before = [(config, getattr(config, IN_USE)) for config in configs if hasattr(config, IN_USE)]
    try:
        model.set_attn_implementation(implementation)
        yield
    finally:
        for config, own in before:
            setattr(config, IN_USE, own)


def padded(rows: list[Any], pad: int, *, left: bool) -> dict[str, Any]:
    """`input_ids`, `attention_mask` and `position_ids` of rows of ids (1-d tensors), padded to one length."""
    import torch

    length = max(len(row) for row in rows)
    fills = [torch.full((length - len(row),), pad) for row in rows]
    pairs = list(zip(rows, fills, strict=True))
    ids = torch.stack([torch.cat([fill, row] if left else [row, fill]) for row, fill in pairs])
    ones = [(torch.ones(len(row)), torch.zeros(len(fill))) for row, fill in pairs]
    mask = torch.stack([torch.cat([zero, one] if left else [one, zero]) for one, zero in ones]).long()
    positions = (mask.cumsum(dim=1) - 1).clamp(min=0)
    return {"input_ids": ids, "attention_mask": mask, "position_ids": positions}
