"""Rows about generation that gives something else by another path: caches, masks, positions, drafts, windows."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from selftests.gallery.edits import set_keys
from selftests.gallery.registry import CHAT, mutant

WINDOW, ALTERNATING = "tiny-sliding-window", "tiny-alternating-window"
REACH = "generation/sliding-window-reach"
Options = dict[str, Any]


def _before_forward(model: Any, change: Callable[[Any, Options], None]) -> None:
    """Lets `change(model's body, options)` edit what each forward pass of the body is given."""
    body = model.base_model
    own = body.forward
    names = list(inspect.signature(own).parameters)

    def forward(*args: Any, **options: Any) -> Any:
        options |= dict(zip(names, args, strict=False))
        change(body, options)
        return own(**options)

    body.forward = forward


def _new(options: Options) -> int:
    """Tokens of this pass."""
    given = options.get("input_ids")
    return int((options["inputs_embeds"] if given is None else given).shape[1])


def _past(options: Options) -> int:
    """Tokens in the cache."""
    cache = options.get("past_key_values")
    return int(cache.get_seq_length()) if cache is not None else 0


def _rows(options: Options) -> int:
    given = options.get("input_ids")
    return int((options["inputs_embeds"] if given is None else given).shape[0])


def _see_all(options: Options, length: int | None = None) -> None:
    """Every token sees all others."""
    import torch

    options["attention_mask"] = torch.zeros(_rows(options), 1, _new(options), length or _new(options))


def _without_one_position(body: Any, options: Options) -> None:
    if _past(options):
        for layer in options["past_key_values"].layers:
            layer.keys[:, :, 2] = 0


@mutant(
    "G07",
    "the cache loses a position: other results with and without it",
    source="huggingface/transformers#36536",
    base=CHAT,
    caught_by="generation/cache-changes-nothing",
    naming=("use_cache=True", "use_cache=False"),
    patch=lambda model: _before_forward(model, _without_one_position),
)
def cache_loses_a_position(directory: Path) -> None:
    """The files stay healthy."""


def _unfilled_places_count(body: Any, options: Options) -> None:
    cache: Any = options.get("past_key_values")
    if type(cache).__name__ == "StaticCache":
        _see_all(options, cache.layers[0].max_cache_len)


@mutant(
    "G09",
    "places of a static cache that are not filled yet are attended to",
    source="huggingface/transformers#30351",
    base=CHAT,
    caught_by="generation/static-cache-equals-dynamic",
    naming=("static cache", "something else"),
    patch=lambda model: _before_forward(model, _unfilled_places_count),
)
def static_cache_attends_to_nothing(directory: Path) -> None:
    """The files stay healthy."""


def _keep_static_cache(model: Any) -> None:
    own, kept = model._prepare_static_cache, list[Any]()

    def prepare(*args: Any, **options: Any) -> Any:
        kept.append(own(*args, **options) if not kept else kept[0])
        return kept[0]

    model._prepare_static_cache = prepare


@mutant(
    "E01",
    "the static cache is not reset between two calls",
    source="huggingface/transformers#30670",
    base=CHAT,
    caught_by="generation/static-cache-equals-dynamic",
    naming="second call",
    since="5.0",
    patch=_keep_static_cache,
)
def static_cache_is_kept(directory: Path) -> None:
    """The files stay healthy."""


def _mask_lost_for_attentions(body: Any, options: Options) -> None:
    if options.get("output_attentions"):
        _see_all(options)


@mutant(
    "G11",
    "the eager path loses the causal mask when attentions are asked for",
    source="huggingface/transformers#30652",
    base=CHAT,
    caught_by="generation/output-attentions-change-nothing",
    naming=("output_attentions=True", "mask"),
    patch=lambda model: _before_forward(model, _mask_lost_for_attentions),
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
    patch=lambda model: _before_forward(model, _one_token_more),
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
    if _rows(options) > 1 and options.get("past_key_values") is None:
        options["attention_mask"] = options["attention_mask"].clone().fill_(1)


@mutant(
    "W16",
    "the padding of a left-padded batch is attended to in a forward pass",
    source="huggingface/transformers#36897",
    base=CHAT,
    caught_by="generation/padding-in-forward",
    naming="padding",
    patch=lambda model: _before_forward(model, _mask_ignored_in_forward),
)
def padding_is_seen_in_forward(directory: Path) -> None:
    """The files stay healthy."""


def _mask_ignored_in_generation(body: Any, options: Options) -> None:
    if _rows(options) > 1 and options.get("past_key_values") is not None:
        options["attention_mask"] = None


@mutant(
    "E04",
    "generation ignores the attention mask of a batch",
    source="own",
    base=CHAT,
    caught_by="generation/left-padding-in-generation",
    naming="padded batch",
    patch=lambda model: _before_forward(model, _mask_ignored_in_generation),
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

    if _rows(options) > 1:
        start = _past(options)
        options["position_ids"] = torch.arange(start, start + _new(options))[None].expand(_rows(options), -1)


@mutant(
    "E05",
    "positions count the padding",
    source="huggingface/transformers#36897",
    base=CHAT,
    caught_by="generation/left-padding-in-generation",
    naming="padded batch",
    patch=lambda model: _before_forward(model, _positions_count_padding),
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


def _scale_embeddings(body: Any, options: Options) -> None:
    if options.get("inputs_embeds") is not None:
        options["inputs_embeds"] = options["inputs_embeds"] * 2


@mutant(
    "E07",
    "embeddings that the caller gives are scaled twice",
    source="own",
    base=CHAT,
    caught_by="generation/embeddings-equal-ids",
    naming=("inputs_embeds", "input_ids"),
    patch=lambda model: _before_forward(model, _scale_embeddings),
)
def embeddings_are_scaled_twice(directory: Path) -> None:
    """The files stay healthy."""


def _other_scale_in_eager(body: Any, options: Options) -> None:
    size = body.layers[0].self_attn.head_dim
    scale = size**-0.5 * (1.1 if body.config._attn_implementation == "eager" else 1)
    for layer in body.layers:
        layer.self_attn.scaling = scale


@mutant(
    "E08",
    "eager attention has another scale than the fused kernel",
    source="own",
    base=CHAT,
    caught_by="generation/attention-implementations-agree",
    naming=("eager", "sdpa"),
    patch=lambda model: _before_forward(model, _other_scale_in_eager),
)
def eager_has_another_scale(directory: Path) -> None:
    """The files stay healthy."""


def _positions_start_anew(body: Any, options: Options) -> None:
    import torch

    if _past(options) and _new(options) > 1:
        options["position_ids"] = torch.arange(_new(options))[None]


@mutant(
    "E09",
    "a second turn counts its positions from 0 again",
    source="own",
    base=CHAT,
    caught_by="generation/continues-from-cache",
    naming="past_key_values",
    patch=lambda model: _before_forward(model, _positions_start_anew),
)
def second_turn_starts_at_zero(directory: Path) -> None:
    """The files stay healthy."""


@mutant(
    "E10",
    "a chunk of the prompt does not see the chunks before it",
    source="own",
    base=CHAT,
    caught_by="generation/chunked-prefill-equals-whole",
    naming="in chunks",
    patch=lambda model: _before_forward(model, _positions_start_anew),
)
def chunk_starts_at_zero(directory: Path) -> None:
    """The files stay healthy."""


def _keep_rejected(body: Any, options: Options) -> None:
    cache = options.get("past_key_values")
    if cache is not None:
        cache.crop = lambda length: None


@mutant(
    "E11",
    "rejected drafts stay in the cache",
    source="own",
    base=CHAT,
    caught_by="generation/prompt-lookup-equals-greedy",
    naming="Prompt lookup",
    patch=lambda model: _before_forward(model, _keep_rejected),
)
def rejected_drafts_stay(directory: Path) -> None:
    """The files stay healthy."""


def _drafts_see_each_other(body: Any, options: Options) -> None:
    if _past(options) and _new(options) > 1:
        _see_all(options, _past(options) + _new(options))


@mutant(
    "E12",
    "drafted tokens are verified with the ones behind them in sight",
    source="own",
    base=CHAT,
    caught_by="generation/assisted-equals-greedy",
    naming="Assisted decoding",
    patch=lambda model: _before_forward(model, _drafts_see_each_other),
)
def drafts_see_what_follows(directory: Path) -> None:
    """The files stay healthy."""


@mutant(
    "E13",
    "one pass over a text sees the tokens that it predicts",
    source="huggingface/transformers#30652",
    base=CHAT,
    caught_by="generation/later-tokens-change-nothing",
    naming=("later tokens", "causal"),
    patch=lambda model: _before_forward(model, lambda body, options: _see_all_at_once(options)),
)
def attention_is_not_causal(directory: Path) -> None:
    """The files stay healthy."""


def _see_all_at_once(options: Options) -> None:
    if options.get("past_key_values") is None:
        _see_all(options)


def _leave_dropout_on(model: Any) -> None:
    for layer in model.base_model.layers:
        layer.self_attn.attention_dropout = 0.5
        layer.self_attn.training = True


@mutant(
    "E14",
    "dropout is left on",
    source="own",
    base=CHAT,
    caught_by="generation/greedy-deterministic",
    naming=("differ", "training mode"),
    patch=_leave_dropout_on,
)
def dropout_is_left_on(directory: Path) -> None:
    """The files stay healthy."""
