"""A loaded model in another dtype for the time of a call: layer by layer, so that little memory is needed."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

Kept = list[tuple["Slot", Any]]
"""What stood in slots before their copies were put there."""
LARGE = 2**22
"""Numbers of a matrix beyond which no copy of the whole of it is made."""
PART = 2**20
"""Numbers of it that are cast at a time."""


@dataclass(frozen=True)
class Slot:
    """Where a module keeps a tensor, and the dtype that the tensor is to have."""

    tensors: dict[str, Any]
    name: str
    dtype: Any


@dataclass(frozen=True)
class Unit:
    """A module during whose forward pass some slots hold copies, or that is run by another function."""

    module: Any
    slots: tuple[Slot, ...]
    forward: Callable[[Any], Any] | None = None


def units(model: Any, dtype: str, *, whole: bool, tables: bool, lean: bool = False) -> list[Unit]:
    """What to cast and when; `tables` casts what is computed and not stored too, save rotary frequencies.

    Layers are cast as a whole, since they may reach for tensors of their parts; outside of lists of layers every
    module is cast by itself. `whole` casts all at once, for models that reach further; `lean` casts large matrices in
    parts, for models that reach less far.
    """
    parts = [("", model, True)] if whole else list(_parts(model, ""))
    apart = large(model) if lean else {}
    cast_in_parts = [_in_parts(model, path, module, dtype) for path, module in apart.items()]
    left = {*apart.values()}
    return cast_in_parts + [
        Unit(part, tuple(_slots(model, path, part, dtype, deep=deep, tables=tables, left=left)))
        for path, part, deep in parts
    ]


def large(model: Any) -> dict[str, Any]:
    """Plain matrices that are worth casting in parts, by their path."""
    import torch

    plain = (torch.nn.Linear, torch.nn.Embedding)
    return {path: module for path, module in model.named_modules() if type(module) in plain
            and module.weight.numel() > LARGE and "forward" not in vars(module)}  # fmt: skip


def _in_parts(model: Any, path: str, module: Any, dtype: str) -> Unit:
    """Rows are looked up and then cast; of a matrix some rows at a time."""
    import torch

    kind = torch.float32 if _stays(model, dtype).search(f"{path}.weight") else getattr(torch, dtype)

    def looked_up(ids: Any) -> Any:
        return type(module).forward(module, ids).to(kind)

    def multiplied(given: Any) -> Any:
        step = max(1, PART // module.weight.shape[1])
        rows = []
        for start in range(0, module.weight.shape[0], step):
            bias = None if module.bias is None else module.bias[start : start + step].to(kind)
            rows.append(torch.nn.functional.linear(given, module.weight[start : start + step].to(kind), bias))
        return torch.cat(rows, dim=-1)

    return Unit(module, (), looked_up if isinstance(module, torch.nn.Embedding) else multiplied)


@contextmanager
def cast(found: list[Unit]) -> Iterator[None]:
    """Puts copies in place while a unit runs. The model is as it was afterwards, also where the call fails.

    Not by `torch.func.functional_call`: where one module has two names, that leaves its copies in the model.
    """
    with ExitStack() as stack:
        for unit in found:
            if unit.forward is not None:
                unit.module.forward = unit.forward
                stack.callback(vars(unit.module).pop, "forward")
                continue
            kept: Kept = []
            stack.callback(_put_back, kept)
            before = unit.module.register_forward_pre_hook(partial(_put_copies, unit.slots, kept), prepend=True)
            after = unit.module.register_forward_hook(partial(_put_back, kept), always_call=True)
            stack.callback(before.remove)
            stack.callback(after.remove)
        yield


def _put_copies(slots: tuple[Slot, ...], kept: Kept, *_: Any) -> None:
    import torch

    copies: dict[int, Any] = {}
    for slot in slots:
        old = slot.tensors[slot.name]
        if id(old) not in copies:  # tied tensors stay tied
            new = old.detach().to(slot.dtype)
            parameter = isinstance(old, torch.nn.Parameter)
            copies[id(old)] = torch.nn.Parameter(new, requires_grad=False) if parameter else new
        kept.append((slot, old))
    for slot, old in kept:
        slot.tensors[slot.name] = copies.get(id(old), old)


def _put_back(kept: Kept, *_: Any) -> None:
    while kept:
        slot, old = kept.pop()
        slot.tensors[slot.name] = old


def _parts(module: Any, path: str) -> Iterator[tuple[str, Any, bool]]:
    """Path, module, and whether its parts belong to it."""
    import torch

    yield path, module, False
    for name, child in module.named_children():
        inner = f"{path}.{name}".lstrip(".")
        if isinstance(child, torch.nn.ModuleList):
            yield from ((f"{inner}.{number}", layer, True) for number, layer in enumerate(child))
        else:
            yield from _parts(child, inner)


def _slots(
    model: Any, path: str, part: Any, dtype: str, *, deep: bool, tables: bool, left: Collection[Any]
) -> Iterator[Slot]:
    """What loading in that dtype casts: parameters and stored buffers, without those that a class keeps in float32."""
    import torch

    stays = _stays(model, dtype)
    for inner, module in part.named_modules() if deep else [("", part)]:
        if module in left:
            continue
        computed = {name for name in module._non_persistent_buffers_set if not tables or "inv_freq" in name}
        for tensors in (module._parameters, module._buffers):
            for name, tensor in tensors.items():
                if tensor is None or not tensor.is_floating_point() or tensor.element_size() == 1 or name in computed:
                    continue
                kept = stays.search(f"{path}.{inner}.{name}".replace("..", "."))
                yield Slot(tensors, name, torch.float32 if kept else getattr(torch, dtype))


def _stays(model: Any, dtype: str) -> re.Pattern[str]:
    """Names of the modules that the model's class keeps in float32."""
    kept = [*(getattr(model, "_keep_in_fp32_modules_strict", None) or ())]
    kept += [*(getattr(model, "_keep_in_fp32_modules", None) or ())] if dtype == "float16" else []
    return re.compile("|".join(rf"(^|\.){each}($|\.)" for each in kept) or "(?!)")
