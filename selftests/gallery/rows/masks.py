"""Rows about masks, positions and windows: who sees what."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from selftests.gallery.edits import set_keys
from selftests.gallery.forwards import Options, before_forward, new, past, rows, see_all
from selftests.gallery.registry import CHAT, mutant

WINDOW = "tiny-sliding-window"
ALTERNATING = "tiny-alternating-window"
REACH = "generation/sliding-window-reach"


def _mask_lost_for_attentions(body: Any, options: Options) -> None:
    if options.get("output_attentions"):
        see_all(options)


@mutant(
    "G11",
    "the eager path loses the causal mask when attentions are asked for",
    source="huggingface/transformers#30652",
    base=CHAT,
    caught_by="generation/output-attentions-change-nothing",
    naming=("output_attentions=True", "mask"),
    patch=lambda model: before_forward(model, _mask_lost_for_attentions),
)
def no_mask_with_attentions(directory: Path) -> None:
    """The files stay healthy."""


@mutant(
    "G12",
    "sliding_window is silently dropped where use_sliding_window is not set",
    source="huggingface/transformers#38002",
    base=WINDOW,
    caught_by="integrity/sliding-window-layers",
    naming="sliding window",
)
def window_without_its_switch(directory: Path) -> None:
    set_keys(directory / "config.json", model_type="qwen2", architectures=["Qwen2ForCausalLM"])


def _one_token_more(body: Any, options: Options) -> None:
    body.config.sliding_window += 1
    body.register_forward_hook(lambda *_: setattr(body.config, "sliding_window", 8))


@mutant(
    "E02",
    "the sliding window is off by one",
    source="huggingface/transformers#35896",
    base=WINDOW,
    caught_by=REACH,
    naming=("sees 9 tokens", "window of 8"),
    patch=lambda model: before_forward(model, _one_token_more),
)
def window_off_by_one(directory: Path) -> None:
    """The files stay healthy."""


def _drop_window(model: Any) -> None:
    first = model.model.layers[0].self_attn
    first.forward = _without_window(first.forward)


def _without_window(own: Callable[..., Any]) -> Callable[..., Any]:
    import torch

    def forward(hidden_states: Any, *args: Any, **options: Any) -> Any:
        length = hidden_states.shape[1]
        options["attention_mask"] = torch.full((1, 1, length, length), float("-inf")).triu(1)
        return own(hidden_states, *args, **options)

    return forward


@mutant(
    "E03",
    "a layer with a sliding window sees everything",
    source="huggingface/transformers#39408",
    base=ALTERNATING,
    caught_by=REACH,
    naming=("sees everything", "window"),
    patch=_drop_window,
)
def layer_without_its_window(directory: Path) -> None:
    """The files stay healthy."""


def _mask_ignored_in_forward(body: Any, options: Options) -> None:
    if rows(options) > 1 and options.get("past_key_values") is None:
        options["attention_mask"] = options["attention_mask"].clone().fill_(1)


@mutant(
    "W16",
    "the padding of a left-padded batch is attended to in a forward pass",
    source="huggingface/transformers#36897",
    base=CHAT,
    caught_by="generation/padding-in-forward",
    naming="padding",
    patch=lambda model: before_forward(model, _mask_ignored_in_forward),
)
def padding_is_seen_in_forward(directory: Path) -> None:
    """The files stay healthy."""


def _mask_ignored_in_generation(body: Any, options: Options) -> None:
    if rows(options) > 1 and options.get("past_key_values") is not None:
        options["attention_mask"] = None


@mutant(
    "E04",
    "generation ignores the attention mask of a batch",
    source="own",
    base=CHAT,
    caught_by="generation/left-padding-in-generation",
    naming="padded batch",
    patch=lambda model: before_forward(model, _mask_ignored_in_generation),
)
def batch_mask_is_ignored(directory: Path) -> None:
    """The files stay healthy."""


def _write_gpt2(directory: Path) -> None:
    """A model with absolute positions in place of the base's, with random weights and the base's tokenizer."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    config = GPT2Config(
        vocab_size=1024, n_embd=64, n_layer=2, n_head=4, n_positions=256, initializer_range=0.2, bos_token_id=0,
        eos_token_id=2, pad_token_id=3,
    )  # fmt: skip
    GPT2LMHeadModel(config).save_pretrained(directory)


def _positions_count_padding(body: Any, options: Options) -> None:
    import torch

    if rows(options) > 1:
        start = past(options)
        options["position_ids"] = torch.arange(start, start + new(options))[None].expand(rows(options), -1)


@mutant(
    "E05",
    "positions count the padding",
    source="huggingface/transformers#36897",
    base=CHAT,
    caught_by="generation/left-padding-in-generation",
    naming="padded batch",
    patch=lambda model: before_forward(model, _positions_count_padding),
)
def positions_count_padding(directory: Path) -> None:
    _write_gpt2(directory)


@mutant(
    "E06",
    "no padding token is known, so that right padding is not recognised",
    source="huggingface/transformers#34842",
    base=CHAT,
    caught_by="generation/right-padding-flagged",
    severity="hazard",
    naming=("Right-padded", "without a warning", "pad_token_id"),
)
def right_padding_is_not_recognised(directory: Path) -> None:
    for file in ("config.json", "generation_config.json"):
        set_keys(directory / file, pad_token_id=None, eos_token_id=None)


@mutant(
    "E13",
    "one pass over a text sees the tokens that it predicts",
    source="huggingface/transformers#30652",
    base=CHAT,
    caught_by="generation/later-tokens-change-nothing",
    naming=("later tokens", "causal"),
    patch=lambda model: before_forward(model, lambda body, options: _see_all_at_once(options)),
)
def attention_is_not_causal(directory: Path) -> None:
    """The files stay healthy."""


def _see_all_at_once(options: Options) -> None:
    if options.get("past_key_values") is None:
        see_all(options)
