"""Casts a loaded model to another dtype for one call, layer by layer, to need little memory."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

Originals = list[tuple["Slot", Any]]
"""Tensors to restore, by slot."""
LARGE_SIZE = 2**22
"""Values of a matrix beyond which it is cast in parts."""
PART_SIZE = 2**20
"""Values of such a matrix that are cast at a time."""


@dataclass(frozen=True)
class Slot:
    """The dict and key by which a module stores a tensor, and the dtype to cast it to."""

    tensors: dict[str, Any]
    name: str
    dtype: Any


@dataclass(frozen=True)
class Unit:
    """A module whose slots hold cast copies during its forward pass, or whose forward is replaced."""

    module: Any
    slots: tuple[Slot, ...]
    forward: Callable[[Any], Any] | None = None


def units(model: Any, dtype: str, *, whole: bool, tables: bool, lean: bool = False) -> list[Unit]:
    """Returns what to cast, module by module.

    A layer is cast as a whole, since it may access tensors of its parts; outside of lists of layers every module is
    cast by itself.

    Args:
        whole: casts everything at once, for models that access tensors across layers.
        tables: also casts computed buffers that are not stored, except rotary frequencies.
        lean: casts large matrices in parts, for models whose layers do not access them.
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
    """Returns ordinary linear and embedding modules with a large matrix, by path."""
    import torch

    plain = (torch.nn.Linear, torch.nn.Embedding)
    return {
        path: module
        for path, module in model.named_modules()
        if type(module) in plain and module.weight.numel() > LARGE_SIZE and "forward" not in vars(module)
    }


def _in_parts(model: Any, path: str, module: Any, dtype: str) -> Unit:
    """Returns a unit that casts embeddings after the look-up, and a linear layer some rows at a time."""
    import torch

    kind = torch.float32 if _stays(model, dtype).search(f"{path}.weight") else getattr(torch, dtype)

    def looked_up(ids: Any) -> Any:
        return type(module).forward(module, ids).to(kind)

    def multiplied(given: Any) -> Any:
        step = max(1, PART_SIZE // module.weight.shape[1])
        rows = []
        for start in range(0, module.weight.shape[0], step):
            bias = None if module.bias is None else module.bias[start : start + step].to(kind)
            rows.append(torch.nn.functional.linear(given, module.weight[start : start + step].to(kind), bias))
        return torch.cat(rows, dim=-1)

    return Unit(module, (), looked_up if isinstance(module, torch.nn.Embedding) else multiplied)


@contextmanager
def cast(found: list[Unit]) -> Iterator[None]:
    """Replaces tensors by cast copies while each unit runs, and restores the model afterwards, also after errors.

    `torch.func.functional_call` would leave copies in the model if one module has two names.
    """
    with ExitStack() as stack:
        for unit in found:
            if unit.forward is not None:
                unit.module.forward = unit.forward
                stack.callback(vars(unit.module).pop, "forward")
                continue
            originals: Originals = []
            stack.callback(_restore, originals)
            before = unit.module.register_forward_pre_hook(partial(_put_copies, unit.slots, originals), prepend=True)
            after = unit.module.register_forward_hook(partial(_restore, originals), always_call=True)
            stack.callback(before.remove)
            stack.callback(after.remove)
        yield


def _put_copies(slots: tuple[Slot, ...], originals: Originals, *_: Any) -> None:
    import torch

    copies: dict[int, Any] = {}
    for slot in slots:
        old = slot.tensors[slot.name]
        if id(old) not in copies:  # tied tensors stay tied
            new = old.detach().to(slot.dtype)
            parameter = isinstance(old, torch.nn.Parameter)
            copies[id(old)] = torch.nn.Parameter(new, requires_grad=False) if parameter else new
        originals.append((slot, old))
    for slot, old in originals:
        slot.tensors[slot.name] = copies.get(id(old), old)


def _restore(originals: Originals, *_: Any) -> None:
    while originals:
        slot, old = originals.pop()
        slot.tensors[slot.name] = old


def _parts(module: Any, path: str) -> Iterator[tuple[str, Any, bool]]:
    """Yields path, module, and True if the module is cast together with its parts."""
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
    """Yields what loading in the dtype casts: parameters and stored buffers, to float32 where the class requires it."""
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
                in_float32 = stays.search(f"{path}.{inner}.{name}".replace("..", "."))
                yield Slot(tensors, name, torch.float32 if in_float32 else getattr(torch, dtype))


def _stays(model: Any, dtype: str) -> re.Pattern[str]:
    """Pattern of the names of modules that the model's class keeps in float32."""
    names = [*(getattr(model, "_keep_in_fp32_modules_strict", None) or ())]
    names += [*(getattr(model, "_keep_in_fp32_modules", None) or ())] if dtype == "float16" else []
    return re.compile("|".join(rf"(^|\.){each}($|\.)" for each in names) or "(?!)")
