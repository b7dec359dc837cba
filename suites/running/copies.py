"""Second copies of a loaded model: memory and disk space for them, loading, and comparing logits."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

from fixtures.subjects.subject import Subject
from suites.findings import TooExpensive
from suites.running import forced_tokens, generate, rounding
from suites.running.agreement import distances
from suites.running.seeds import seeded

MAX_BYTES = {"quick": 2 * 10**9, "standard": 10 * 10**9, "exhaustive": 10**12}
"""Bytes of weights up to which a check makes a second copy of them, by profile."""


@contextmanager
def scratch(model: Any, profile: str, memory_left: int | None = None, *, disk: bool = True) -> Iterator[Path]:
    """Makes an empty directory, once there is space for a copy of the model.

    Args:
        memory_left: bytes of the memory budget that a copy may take.
        disk: whether the copy is also saved to disk.

    Raises:
        TooExpensive: a copy is larger than the profile or the budget allows, or than the free memory or disk.
    """
    size = int(model.get_memory_footprint())
    copy = f"a second copy of the weights ({size / 1e9:.1f} GB)"
    if size > MAX_BYTES[profile]:
        enough = next((name for name, most in MAX_BYTES.items() if size <= most), "exhaustive")
        raise TooExpensive(f"{copy} is larger than --profile {profile} allows", f"--profile {enough}")
    if memory_left is not None and size > memory_left:
        raise TooExpensive(f"{copy} does not fit into the memory budget", "--memory-budget")
    folder = Path(tempfile.mkdtemp(prefix="seatrial-"))
    try:
        if disk and shutil.disk_usage(folder).free < 2 * size:
            raise TooExpensive(f"{copy} needs twice its size of free disk space in {folder.parent}", "TMPDIR")
        if _free_memory(model) < 2 * size:
            raise TooExpensive(f"{copy} needs twice its size of free memory", "a machine with more memory")
        with seeded(model):  # for random numbers drawn by loading and resizing
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _free_memory(model: Any) -> int:
    """Bytes of free memory, of the model's device if that is a GPU with less."""
    import psutil

    free = psutil.virtual_memory().available
    if model.device.type == "cuda":
        import torch

        free = min(free, torch.cuda.mem_get_info(model.device)[0])
    return int(free)


def load(model: Any, path: Path, subject: Subject, **options: Any) -> tuple[Any, dict[str, Any]]:
    """Loads a directory into the same class, in evaluation mode; returns the model and the loading report."""
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
    """Returns logits of the prompt (positions x vocabulary), float32 on the CPU; also the decoder's input, if any.

    The inputs stay on their device: a model that is spread over devices moves them to its first part itself.
    """
    import torch

    given = dict(inputs) | {"use_cache": False, "return_dict": True}
    if model.config.is_encoder_decoder:
        given["decoder_input_ids"] = inputs["input_ids"]
    taken = {name: value for name, value in given.items() if generate.takes(model, name)}
    with generate.refusals("A forward pass"), torch.inference_mode():
        return model(**taken).logits[0].float().cpu()


def distance(model: Any, inputs: dict[str, Any], other: Any) -> float:
    """Returns the largest difference of other logits from the model's; 0 if rounding explains it.

    Even the same operations on the same numbers may round differently if memory is aligned differently.
    """
    exact = logits(model, inputs)
    apart = max(distances(exact, other))
    if not apart:
        return 0.0
    return apart if apart > rounding.tolerance(model, lambda: logits(model, inputs), exact) else 0.0


def prompt(model: Any, tokenizer: Any) -> dict[str, Any]:
    return forced_tokens.prompt(model, tokenizer)


@contextmanager
def settings_restored(model: Any) -> Iterator[None]:
    """Restores the model's configs afterwards; saving may write into them."""
    config, generation = deepcopy(vars(model.config)), deepcopy(model.generation_config)
    try:
        yield
    finally:
        vars(model.config).clear()
        vars(model.config).update(config)
        model.generation_config = generation
