"""Rows about sampling, scores, the pipeline, memory and vital signs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from selftests.gallery.edits import edit_added_token, set_keys
from selftests.gallery.forwards import around
from selftests.gallery.registry import CHAT, mutant

WINDOW = "tiny-sliding-window"
SCORES = "generation/scores-agree-with-logits"


def _of_first_beam(own: Any, sequences: Any, scores: Any, beam_indices: Any = None, *args: Any, **options: Any) -> Any:
    first = None if beam_indices is None else beam_indices * 0
    return own(sequences, scores, first, *args, **options)


@mutant(
    "D08",
    "beams are scored with the tokens of the first one",
    source="own",
    base=CHAT,
    caught_by=SCORES,
    naming=("beam search", "compute_transition_scores"),
    patch=lambda model: around(model, "compute_transition_scores", _of_first_beam),
)
def beams_have_the_scores_of_another(directory: Path) -> None:
    """The files stay healthy."""


def _twice(own: Any, **options: Any) -> Any:
    processors = own(**options)
    return type(processors)([*processors, *(each for each in processors if "Temperature" in type(each).__name__)])


@mutant(
    "D09",
    "temperature is applied twice",
    source="own",
    base=CHAT,
    caught_by="generation/processors-obey-their-law",
    naming=("temperature", "law"),
    patch=lambda model: around(model, "_get_logits_processor", _twice),
)
def temperature_twice(directory: Path) -> None:
    """The files stay healthy."""


def _unseeded(own: Any, *args: Any, **options: Any) -> Any:
    import torch

    torch.seed()
    return own(*args, **options)


@mutant(
    "D10",
    "each call seeds the random numbers anew",
    source="own",
    base=CHAT,
    caught_by="generation/same-seed-same-sample",
    naming=("seed", "logits are equal"),
    patch=lambda model: around(model, "generate", _unseeded),
)
def seeds_itself(directory: Path) -> None:
    """The files stay healthy."""


def _keeping(model: Any) -> None:
    kept: list[Any] = []
    model.lm_head.register_forward_hook(lambda module, inputs, output: kept.append(output))


@mutant(
    "D11",
    "a hook keeps the logits of every call",
    source="huggingface/transformers#47731",
    base=CHAT,
    caught_by="generation/memory-does-not-grow",
    naming=("tensors", "memory grows"),
    patch=_keeping,
)
def keeps_what_it_computed(directory: Path) -> None:
    """The files stay healthy."""


def _bos_again(tokenizer: Any) -> None:
    own = tokenizer.apply_chat_template

    def rendered(*args: Any, **options: Any) -> Any:
        found = own(*args, **options)
        if options.get("return_tensors") == "pt":
            import torch

            first = torch.tensor([[tokenizer.bos_token_id]])
            found["input_ids"] = torch.cat([first, found["input_ids"]], dim=1)
            found["attention_mask"] = torch.ones_like(found["input_ids"])
        return found

    tokenizer.apply_chat_template = rendered


@mutant(
    "D12",
    "the pipeline's prompt has a second beginning",
    source="own",
    base=CHAT,
    caught_by="generation/pipeline-gives-the-same-ids",
    naming=("another prompt", "<|endoftext|>"),
    patch_tokenizer=_bos_again,
)
def pipeline_adds_a_token(directory: Path) -> None:
    """The files stay healthy."""


@mutant(
    "D13",
    "config.json brings a prefix that only pipelines read",
    source="own",
    base=WINDOW,
    caught_by="generation/pipeline-gives-the-same-ids",
    naming="another prompt",
)
def prefix_for_pipelines(directory: Path) -> None:
    set_keys(directory / "config.json", prefix="Answer the question. ")


@mutant(
    "D14",
    "the end-of-turn token is not special: readers see it",
    source="own",
    base=CHAT,
    caught_by="generation/vital-signs",
    naming=("control token", "<|im_end|>"),
)
def control_token_is_shown(directory: Path) -> None:
    edit_added_token(directory, "<|im_end|>", special=False)
    set_keys(directory / "tokenizer_config.json", eos_token="<|endoftext|>")


def _silent(own: Any, *args: Any, **options: Any) -> Any:
    """Says the stop token at once, wherever nobody asked for logits."""
    if not {"logits_processor", "return_dict_in_generate"} & set(options):
        options |= {"sequence_bias": [[[2], 1e6]]}
    return own(*args, **options)


@mutant(
    "D15",
    "the model ends its turn at once",
    source="own",
    base=CHAT,
    caught_by="generation/vital-signs",
    severity="hazard",
    naming="Every answer is empty",
    patch=lambda model: around(model, "generate", _silent),
)
def says_nothing(directory: Path) -> None:
    """The files stay healthy."""


@mutant(
    "D16",
    "pad_token_id is a token that the template writes",
    source="huggingface/transformers#16136",
    base=CHAT,
    caught_by="generation/missing-mask-changes-nothing",
    severity="hazard",
    naming=("<|im_start|>", "pad_token_id"),
)
def padding_is_a_turn_marker(directory: Path) -> None:
    set_keys(directory / "generation_config.json", pad_token_id=_id_of(directory, "<|im_start|>"))


def _id_of(directory: Path, token: str) -> int:
    added = json.loads((directory / "tokenizer.json").read_text(encoding="utf-8"))["added_tokens"]
    return next(int(each["id"]) for each in added if each["content"] == token)
