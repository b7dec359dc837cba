"""A loaded model in another dtype for the time of a call: layer by layer, so that little memory is needed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

Kept = list[tuple["Slot", Any]]
"""What stood in slots before their copies were put there."""


@dataclass(frozen=True)
class Slot:
    """Where a module keeps a tensor, and the dtype that the tensor is to have."""

    tensors: dict[str, Any]
    name: str
    dtype: Any


@dataclass(frozen=True)
class Unit:
    """A module during whose forward pass some slots hold copies."""

    module: Any
    slots: tuple[Slot, ...]


def units(model: Any, dtype: str, *, whole: bool, tables: bool) -> list[Unit]:
    """What to cast and when; `tables` casts what is computed and not stored too, save rotary frequencies.

    Layers are cast as a whole, since they may reach for tensors of their parts; outside of lists of layers every
    module is cast by itself. `whole` casts all at once, for models that reach further.
    """
    parts = [("", model, True)] if whole else list(_parts(model, ""))
    return [Unit(part, tuple(_slots(model, path, part, dtype, deep=deep, tables=tables))) for path, part, deep in parts]


@contextmanager
def cast(found: list[Unit]) -> Iterator[None]:
    """Puts copies in place while a unit runs. The model is as it was afterwards, also where the call fails.

    Not by `torch.func.functional_call`: where one module has two names, that leaves its copies in the model.
    """
    with ExitStack() as stack:
        for unit in found:
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


def _slots(model: Any, path: str, part: Any, dtype: str, *, deep: bool, tables: bool) -> Iterator[Slot]:
    """What loading in that dtype casts: parameters and stored buffers, without those that a class keeps in float32."""
    import torch

    stays = _stays(model, dtype)
    for inner, module in part.named_modules() if deep else [("", part)]:
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
