"""Defects of stop tokens, stop strings and finished rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits.files import edit_json, set_keys, unchanged
from selftests.gallery.edits.forward_passes import around
from selftests.gallery.registry import CHAT, healthy, mutant


def _other_padding(own: Any, generation_config: Any, *args: Any, **options: Any) -> None:
    own(generation_config, *args, **options)
    generation_config._pad_token_tensor = generation_config._pad_token_tensor * 0 + 9


mutant(
    "finished-rows-not-padded",
    "rows that have ended are filled with an ordinary token",
    number="D03",
    source="own",
    base=CHAT,
    caught_by="generation/finished-rows-are-padded",
    summary_contains=("pad token", "stop token"),
    patch=lambda model: around(model, "_prepare_special_tokens", _other_padding),
)(unchanged)


@mutant(
    "generation-runs-past-end-of-turn",
    "generation continues after the end of the model's turn",
    number="S06",
    source="vllm-project/vllm#4182",
    base=CHAT,
    caught_by="generation/stops-at-end-of-turn",
    summary_contains="<|im_end|>",
)
def generation_runs_past_end_of_turn(directory: Path) -> None:
    edit_json(directory / "generation_config.json", lambda data: data.update(eos_token_id=[0]))


def _without(model: Any, criterion: str, *, only_lists: bool = False) -> None:
    """Removes a kind of stopping criterion from every generation."""

    def fewer(own: Any, **options: Any) -> Any:
        criteria = own(**options)
        others = [each for each in criteria if type(each).__name__ != criterion]
        stops = options["generation_config"]._eos_token_tensor
        if only_lists and (stops is None or stops.numel() < 2):
            return criteria
        return type(criteria)(others)

    around(model, "_get_stopping_criteria", fewer)


mutant(
    "eos-list-ignored",
    "of several stop tokens none is looked for",
    number="D01",
    source="huggingface/transformers#24644",
    base=CHAT,
    caught_by="generation/stops-where-told",
    summary_contains=("the list eos_token_id", "ignored"),
    patch=lambda model: _without(model, "EosTokenCriteria", only_lists=True),
)(unchanged)


mutant(
    "stop-strings-ignored",
    "stop strings are not looked for",
    number="D02",
    source="own",
    base=CHAT,
    caught_by="generation/stops-where-told",
    summary_contains=("stop_strings", "ignored"),
    patch=lambda model: _without(model, "StopStringCriteria"),
)(unchanged)


@healthy(
    "single-stop-token",
    "one stop token, not in a list",
    base=CHAT,
    check="generation/stops-where-told",
)
def single_stop_token(directory: Path) -> None:
    set_keys(directory / "generation_config.json", eos_token_id=2)
