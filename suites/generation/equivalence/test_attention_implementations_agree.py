from __future__ import annotations

from typing import Any

from fixtures.models.loading import Loaded
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import NotApplicable, Record
from suites.generation.reference_runs import ReferenceRuns, reference_runs
from suites.running import generate
from suites.running.agreement import must_match

IMPLEMENTATIONS = {"eager": None, "sdpa": "_supports_sdpa", "flash_attention_2": "_supports_flash_attn"}
"""Attention implementations, with the flag by which a model class declares each."""


@uses("generation", "training")
def test_attention_implementations_agree(
    subject: Subject, tokenizer: Any, generator: Any, loaded: Loaded, record: Record
) -> None:
    """Every attention implementation that the model class declares gives the same logits, also with padding.

    Why: the machine and the installed packages decide which one runs. If one ignores a mask, a soft cap or a scale, the
        same checkpoint gives other results on another machine.
    Fix: compare the masks and arguments that the two implementations get in the first layer that differs.
    Source: https://huggingface.co/docs/transformers/attention_interface (all compute the same)
    """
    reference = reference_runs(subject, tokenizer, loaded)
    others = _others(generator)
    own = generator.config._attn_implementation
    record.capability("generation.attention_implementations", ", ".join([str(own), *others]))
    if not others:
        raise NotApplicable(f"{type(generator).__name__} declares no other attention implementation that runs here")
    expected, padded = reference.whole, None if reference.stateful else _padded(reference)
    for other in others:
        with generate.attention(generator, other), generate.refusals(f"Attention by {other}"):
            actual = generate.logits(generator, reference.text)[0]
            actual_padded = None if padded is None else _padded(reference)
        what = f"The logits with {other} attention differ from those with {own} attention"
        must_match(expected, actual, reference.tolerance, what)
        if padded is not None:
            must_match(padded, actual_padded, reference.tolerance, f"{what} in a padded batch")


def _others(model: Any) -> list[str]:
    """Returns the implementations that can run here, except the current one."""
    own, settable = model.config._attn_implementation, getattr(type(model), "_can_set_attn_implementation", None)
    if settable is None or not settable() or own not in IMPLEMENTATIONS:
        return []
    declared = [name for name, flag in IMPLEMENTATIONS.items() if flag is None or getattr(model, flag, False)]
    return [name for name in declared if name != own and (name != "flash_attention_2" or _has_flash(model))]


def _has_flash(model: Any) -> bool:
    import torch
    from transformers.utils import is_flash_attn_2_available

    return (
        is_flash_attn_2_available() and model.device.type == "cuda" and model.dtype in (torch.float16, torch.bfloat16)
    )


def _padded(reference: ReferenceRuns) -> Any:
    """Logits of both texts in a padded batch, concatenated (positions x vocabulary)."""
    import torch

    batch, slices = reference.padded
    together = generate.logits(reference.model, batch)
    return torch.cat([row[part] for row, part in zip(together, slices, strict=True)])
