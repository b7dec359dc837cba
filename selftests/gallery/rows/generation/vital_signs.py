"""Defects that show in any answer of the model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits.files import edit_added_token, set_keys, unchanged
from selftests.gallery.edits.forward_passes import around
from selftests.gallery.registry import CHAT, mutant


@mutant(
    "end-of-turn-visible",
    "the end-of-turn token is not special: readers see it",
    number="D14",
    source="own",
    base=CHAT,
    caught_by="generation/vital-signs",
    summary_contains=("control token", "<|im_end|>"),
)
def end_of_turn_visible(directory: Path) -> None:
    edit_added_token(directory, "<|im_end|>", special=False)
    set_keys(directory / "tokenizer_config.json", eos_token="<|endoftext|>")


def _silent(own: Any, *args: Any, **options: Any) -> Any:
    """Generates the stop token at once, unless the caller asks for logits."""
    if not {"logits_processor", "return_dict_in_generate"} & set(options):
        options |= {"sequence_bias": [[[2], 1e6]]}
    return own(*args, **options)


mutant(
    "turn-ends-at-once",
    "the model ends its turn at once",
    number="D15",
    source="own",
    base=CHAT,
    caught_by="generation/vital-signs",
    severity="hazard",
    summary_contains="Every answer is empty",
    patch=lambda model: around(model, "generate", _silent),
)(unchanged)
