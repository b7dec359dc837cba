"""Whose fault a deviation is: a new model of the same class and config shows what the library does to every one.

Experts that take a limited number of tokens of each batch make results depend on the batch, by design.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from fixtures.models.loading import Loaded
from suites.findings import Defect, Finding, Hazard, NotApplicable
from suites.running.agreement import TOKENS_DIFFER

Check = Callable[..., None]
MOST_BYTES = 4 * 10**9
"""Largest new model that is made for this."""
FEW_LAYERS = 2
DEPTH = re.compile(r"^(num_hidden_layers|n_layers?|num_layers|encoder_layers|decoder_layers|num_decoder_layers)$")
SPREAD = 0.1
"""Standard deviation of weights that are spread: with the usual 0.02 all tokens may have nearly the same logits."""
ROOMY = 10**6
FIX = "Nothing in the files causes it: avoid this way of using the model with the installed version of transformers."


def judged(defect: Defect, check: Check, given: Mapping[str, Any]) -> Finding:
    """Returns the finding to raise instead of a defect of a loaded model.

    Args:
        check: the check that found it.
        given: the fixtures that it was called with.
    """
    loaded = given.get("loaded")
    model = loaded.model if loaded else given.get("generator", given.get("model"))
    if model is None or getattr(model, "is_quantized", False):
        return defect
    if limits := capacities(model):
        with roomy(model):
            passes = _passes(check, _with_model(given, model))
        if passes:
            return NotApplicable(f"by design its results depend on the batch: each expert takes {_listed(limits)}")
    own_code = not type(model).__module__.startswith("transformers.")
    other = None if own_code else _found_on_new_model(check, given, model)
    if other is None:
        return defect
    library = f"{type(model).__name__} of transformers {version('transformers')}"
    evidence = defect.evidence | {"a new model of the same class and config": other.summary}
    kind = Defect if defect.evidence.get(TOKENS_DIFFER) else Hazard
    summary = f"{library} does this to any weights: {defect.summary}"
    return kind(summary, evidence=evidence, fix=FIX, uses=defect.uses, about="library")


def _found_on_new_model(check: Check, given: Mapping[str, Any], model: Any) -> Defect | None:
    for spread in (False, True):
        new = untrained(model, spread=spread)
        if new is not None and (found := _found(check, _with_model(given, new))):
            return found
    return None


def _found(check: Check, given: Mapping[str, Any]) -> Defect | None:
    """The check's defect; None if it passes, raises something else, or cannot run."""
    try:
        check(**given)
    except Defect as defect:
        return defect
    except Exception:  # the library may raise anything; then nothing is shown
        return None
    return None


def _passes(check: Check, given: Mapping[str, Any]) -> bool:
    try:
        check(**given)
    except Exception:  # the library may raise anything
        return False
    return True


def _with_model(given: Mapping[str, Any], model: Any) -> dict[str, Any]:
    """The fixtures with another model, and without what was computed for the first one."""
    loaded = Loaded(model, {"missing_keys": [], "unexpected_keys": [], "mismatched_keys": []}, 0)
    if "loaded" in given:
        loaded = replace(given["loaded"], model=model, shared={})
    other = {"loaded": loaded, "model": model, "generator": model, "record": _Silent()}
    return dict(given) | {name: value for name, value in other.items() if name in given}


class _Silent:
    """Takes what a check records and forgets it."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args, **options: None


def untrained(model: Any, *, spread: bool) -> Any | None:
    """Returns a new model of the same class and config with random weights; None if there is none to be had.

    A large one has fewer layers.

    Args:
        spread: whether its matrices, norms and biases are farther apart than the class initialises them.
    """
    import torch

    config = deepcopy(model.config)
    if model.get_memory_footprint() > MOST_BYTES / 2:
        _cut(config)
    try:
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            size = type(model)._from_config(deepcopy(config), dtype=model.dtype).get_memory_footprint()
        if size > MOST_BYTES:
            return None
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            new = type(model)._from_config(config, dtype=model.dtype)
            if spread:
                _spread(new)
    except Exception:  # classes may do anything while they are built
        return None
    new.generation_config = deepcopy(model.generation_config)
    return new.to(model.device).eval()


def _cut(config: Any) -> None:
    """Reduces the layers, and every list with an entry for each of them."""
    for part in {id(each): each for each in (config, config.get_text_config(decoder=True))}.values():
        depth = {name: value for name, value in vars(part).items() if DEPTH.match(name) and isinstance(value, int)}
        for name, value in list(vars(part).items()):
            if name in depth:
                setattr(part, name, min(value, FEW_LAYERS))
            elif isinstance(value, list) and len(value) in depth.values():
                setattr(part, name, value[:FEW_LAYERS])


def _spread(model: Any) -> None:
    """Draws matrices far apart, and moves norms and biases off ones and zeros."""
    import torch

    with torch.no_grad():
        for module in model.modules():
            if type(module).__name__.endswith(("Linear", "Embedding", "Conv1D", "Norm", "Experts")):
                for value in module.parameters(recurse=False):
                    noise = torch.randn(value.shape).to(value.dtype) * SPREAD
                    value.copy_(noise if value.dim() > 1 else value + noise)


def capacities(model: Any) -> dict[str, float]:
    """Returns the limits of tokens for each expert, by the name of the setting."""
    found: dict[str, float] = {}
    for module in model.modules():
        found |= {name: value for name, value in vars(module).items() if _is_capacity(name, value)}
    return found


def _is_capacity(name: str, value: Any) -> bool:
    return "capacity" in name and isinstance(value, (int, float)) and not isinstance(value, bool)


@contextmanager
def roomy(model: Any) -> Iterator[None]:
    """Gives every expert room for all tokens within the context."""
    own = [
        (each, name, value)
        for each in model.modules()
        for name, value in vars(each).items()
        if _is_capacity(name, value)
    ]
    for module, name, value in own:
        setattr(module, name, type(value)(ROOMY))
    try:
        yield
    finally:
        for module, name, value in own:
            setattr(module, name, value)


def _listed(limits: Mapping[str, float]) -> str:
    return "a limited number of tokens (" + ", ".join(f"{name} = {value}" for name, value in limits.items()) + ")"
