"""Second copies of a loaded model: what they cost, and how they are compared with the first."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

from fixtures.subjects.subject import Subject
from fixtures.subjects.variant import Variant
from suites.findings import Unsupported
from suites.running import forced_tokens, generate, rounding
from suites.running.agreement import distances
from suites.running.seeds import seeded

LIMIT = {"quick": 2 * 10**9, "standard": 10 * 10**9, "exhaustive": 10**12}
"""Bytes of weights up to which a check makes a second copy of them, by profile."""


@contextmanager
def scratch(model: Any, profile: str, memory_left: int | None = None, *, disk: bool = True) -> Iterator[Path]:
    """An empty directory with room for the model; `memory_left` bytes of the memory budget are left for a copy.

    Raises:
        Unsupported: a second copy is larger than the profile or the budget allows, or than what is free.
    """
    size = int(model.get_memory_footprint())
    if size > LIMIT[profile]:
        raise Unsupported(f"a second copy of {size / 1e9:.1f} GB of weights is more than --profile {profile} makes")
    if memory_left is not None and size > memory_left:
        raise Unsupported(f"a second copy of {size / 1e9:.1f} GB of weights is more than --memory-budget leaves")
    folder = Path(tempfile.mkdtemp(prefix="seatrial-"))
    try:
        if disk and shutil.disk_usage(folder).free < 2 * size:
            raise Unsupported(f"no room on disk for a second copy of {size / 1e9:.1f} GB of weights")
        _refuse_without_memory(model, size)
        with seeded(model):  # what loading and growing draw
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _refuse_without_memory(model: Any, size: int) -> None:
    """Room for a copy beside the model, and as much again for what loading and running take."""
    import psutil

    free = psutil.virtual_memory().available
    if model.device.type == "cuda":
        import torch

        free = min(free, torch.cuda.mem_get_info(model.device)[0])
    if free < 2 * size:
        raise Unsupported(f"no memory for a second copy of {size / 1e9:.1f} GB of weights")


def refuse_quantized(variant: Variant) -> None:
    if variant.quantization != "none":
        raise Unsupported("quantized weights are saved and moved by their own rules")


def load(model: Any, path: Path, subject: Subject, **options: Any) -> tuple[Any, dict[str, Any]]:
    """The model of the same class that a directory holds, in evaluation mode, with the report of its loading."""
    found, report = type(model).from_pretrained(
        path,
        dtype=model.dtype,
        local_files_only=True,
        trust_remote_code=subject.trust.remote_code,
        use_safetensors=None if subject.trust.pickle else True,
        output_loading_info=True,
        ignore_mismatched_sizes=True,
        **options,
    )
    return found.eval(), report


def logits(model: Any, inputs: dict[str, Any]) -> Any:
    """Logits of the prompt (positions x vocabulary), float32 on the CPU; an encoder-decoder writes the prompt too.

    The inputs stay where they are: a model that is spread over devices takes them to its first part itself.
    """
    import torch

    given = dict(inputs) | {"use_cache": False, "return_dict": True}
    if model.config.is_encoder_decoder:
        given["decoder_input_ids"] = inputs["input_ids"]
    taken = {name: value for name, value in given.items() if generate.takes(model, name)}
    with generate.refusals("A forward pass"), torch.inference_mode():
        return model(**taken).logits[0].float().cpu()


def distance(model: Any, inputs: dict[str, Any], other: Any) -> float:
    """How far other logits are from the model's, beyond what rounding explains; 0 where it explains all.

    The same operations on the same numbers may round otherwise where memory is aligned otherwise.
    """
    exact = logits(model, inputs)
    apart = max(distances(exact, other))
    if not apart:
        return 0.0
    return apart if apart > rounding.tolerance(model, lambda: logits(model, inputs), exact) else 0.0


def prompt(model: Any, tokenizer: Any) -> dict[str, Any]:
    return forced_tokens.prompt(model, tokenizer)


@contextmanager
def settings_kept(model: Any) -> Iterator[None]:
    """While it holds, saving may write into the model's configs; afterwards they are as before."""
    config, generation = deepcopy(vars(model.config)), deepcopy(model.generation_config)
    try:
        yield
    finally:
        vars(model.config).clear()
        vars(model.config).update(config)
        model.generation_config = generation
