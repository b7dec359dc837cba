"""Defects that make two ways to compute the same logits or tokens disagree."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from selftests.gallery.edits.architectures import DECODER, put_model
from selftests.gallery.edits.files import set_keys, unchanged
from selftests.gallery.edits.forward_passes import Options, before_forward, new, past, rows, see_all
from selftests.gallery.edits.tensors import store_as
from selftests.gallery.registry import CHAT, healthy, mutant


def _drafts_see_each_other(body: Any, options: Options) -> None:
    if past(options) and new(options) > 1:
        see_all(options, past(options) + new(options))


mutant(
    "drafts-see-later-tokens",
    "drafted tokens are verified with the ones behind them in sight",
    number="E12",
    source="own",
    base=CHAT,
    caught_by="generation/assisted-equals-greedy",
    summary_contains="Assisted decoding",
    patch=lambda model: before_forward(model, _drafts_see_each_other),
)(unchanged)


def _other_scale_in_eager(body: Any, options: Options) -> None:
    size = body.layers[0].self_attn.head_dim
    scale = size**-0.5 * (1.1 if body.config._attn_implementation == "eager" else 1)
    for layer in body.layers:
        layer.self_attn.scaling = scale


mutant(
    "eager-attention-other-scale",
    "eager attention has another scale than the fused kernel",
    number="E08",
    source="own",
    base=CHAT,
    caught_by="generation/attention-implementations-agree",
    summary_contains=("eager", "sdpa"),
    patch=lambda model: before_forward(model, _other_scale_in_eager),
)(unchanged)


def _without_one_position(body: Any, options: Options) -> None:
    if past(options):
        for layer in options["past_key_values"].layers:
            layer.keys[:, :, 2] = 0


mutant(
    "cache-loses-position",
    "the cache loses a position: other results with and without it",
    number="G07",
    source="huggingface/transformers#36536",
    base=CHAT,
    caught_by="generation/cache-changes-nothing",
    summary_contains=("use_cache=True", "use_cache=False"),
    patch=lambda model: before_forward(model, _without_one_position),
)(unchanged)


def _positions_start_anew(body: Any, options: Options) -> None:
    import torch

    if past(options) and new(options) > 1:
        options["position_ids"] = torch.arange(new(options))[None]


mutant(
    "second-chunk-starts-at-zero",
    "a chunk of the prompt does not see the chunks before it",
    number="E10",
    source="own",
    base=CHAT,
    caught_by="generation/chunked-prefill-equals-whole",
    summary_contains="in chunks",
    patch=lambda model: before_forward(model, _positions_start_anew),
)(unchanged)


mutant(
    "second-turn-starts-at-zero",
    "a second turn counts its positions from 0 again",
    number="E09",
    source="own",
    base=CHAT,
    caught_by="generation/continues-from-cache",
    summary_contains="past_key_values",
    patch=lambda model: before_forward(model, _positions_start_anew),
)(unchanged)


def _scale_embeddings(body: Any, options: Options) -> None:
    if options.get("inputs_embeds") is not None:
        options["inputs_embeds"] = options["inputs_embeds"] * 2


mutant(
    "embeddings-scaled-twice",
    "embeddings that the caller gives are scaled twice",
    number="E07",
    source="own",
    base=CHAT,
    caught_by="generation/embeddings-equal-ids",
    summary_contains=("inputs_embeds", "input_ids"),
    patch=lambda model: before_forward(model, _scale_embeddings),
)(unchanged)


def _see_all_at_once(options: Options) -> None:
    if options.get("past_key_values") is None:
        see_all(options)


mutant(
    "forward-not-causal",
    "one pass over a text sees the tokens that it predicts",
    number="E13",
    source="huggingface/transformers#30652",
    base=CHAT,
    caught_by="generation/later-tokens-change-nothing",
    summary_contains=("later tokens", "causal"),
    patch=lambda model: before_forward(model, lambda body, options: _see_all_at_once(options)),
)(unchanged)


def _mask_ignored_in_generation(body: Any, options: Options) -> None:
    if rows(options) > 1 and options.get("past_key_values") is not None:
        options["attention_mask"] = None


mutant(
    "batch-mask-ignored",
    "generation ignores the attention mask of a batch",
    number="E04",
    source="own",
    base=CHAT,
    caught_by="generation/left-padding-in-generation",
    summary_contains="padded batch",
    patch=lambda model: before_forward(model, _mask_ignored_in_generation),
)(unchanged)


def _write_gpt2(directory: Path) -> None:
    """Writes a model with absolute positions and random weights, and leaves the base's tokenizer."""
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
    "positions-count-padding",
    "positions count the padding",
    number="E05",
    source="huggingface/transformers#36897",
    base=CHAT,
    caught_by="generation/left-padding-in-generation",
    summary_contains="padded batch",
    patch=lambda model: before_forward(model, _positions_count_padding),
)
def positions_count_padding(directory: Path) -> None:
    _write_gpt2(directory)


def _mask_lost_for_attentions(body: Any, options: Options) -> None:
    if options.get("output_attentions"):
        see_all(options)


mutant(
    "attentions-lose-causal-mask",
    "the eager path loses the causal mask when attentions are asked for",
    number="G11",
    source="huggingface/transformers#30652",
    base=CHAT,
    caught_by="generation/output-attentions-change-nothing",
    summary_contains=("output_attentions=True", "mask"),
    patch=lambda model: before_forward(model, _mask_lost_for_attentions),
)(unchanged)


def _mask_ignored_in_forward(body: Any, options: Options) -> None:
    if rows(options) > 1 and options.get("past_key_values") is None:
        options["attention_mask"] = options["attention_mask"].clone().fill_(1)


mutant(
    "forward-attends-to-padding",
    "the padding of a left-padded batch is attended to in a forward pass",
    number="W16",
    source="huggingface/transformers#36897",
    base=CHAT,
    caught_by="generation/padding-in-forward",
    summary_contains="padding",
    patch=lambda model: before_forward(model, _mask_ignored_in_forward),
)(unchanged)


def _keep_rejected(body: Any, options: Options) -> None:
    cache = options.get("past_key_values")
    if cache is not None:
        cache.crop = lambda length: None


mutant(
    "rejected-drafts-stay-cached",
    "rejected drafts stay in the cache",
    number="E11",
    source="own",
    base=CHAT,
    caught_by="generation/prompt-lookup-equals-greedy",
    summary_contains="Prompt lookup",
    patch=lambda model: before_forward(model, _keep_rejected),
)(unchanged)


@mutant(
    "right-padding-unnoticed",
    "no padding token is known, so that right padding is not recognised",
    number="E06",
    source="huggingface/transformers#34842",
    base=CHAT,
    caught_by="generation/right-padding-flagged",
    severity="hazard",
    summary_contains=("Right-padded", "without a warning", "pad_token_id"),
)
def right_padding_unnoticed(directory: Path) -> None:
    for file in ("config.json", "generation_config.json"):
        set_keys(directory / file, pad_token_id=None, eos_token_id=None)


def _one_token_more(body: Any, options: Options) -> None:
    body.config.sliding_window += 1
    body.register_forward_hook(lambda *_: setattr(body.config, "sliding_window", 8))


mutant(
    "window-off-by-one",
    "the sliding window is off by one",
    number="E02",
    source="huggingface/transformers#35896",
    base="tiny-sliding-window",
    caught_by="generation/sliding-window-reach",
    summary_contains=("sees 9 tokens", "window of 8"),
    patch=lambda model: before_forward(model, _one_token_more),
)(unchanged)


def _without_window(own: Callable[..., Any]) -> Callable[..., Any]:
    import torch

    def forward(hidden_states: Any, *args: Any, **options: Any) -> Any:
        length = hidden_states.shape[1]
        options["attention_mask"] = torch.full((1, 1, length, length), float("-inf")).triu(1)
        return own(hidden_states, *args, **options)

    return forward


def _drop_window(model: Any) -> None:
    first = model.model.layers[0].self_attn
    first.forward = _without_window(first.forward)


mutant(
    "window-layer-sees-all",
    "a layer with a sliding window sees everything",
    number="E03",
    source="huggingface/transformers#39408",
    base="tiny-alternating-window",
    caught_by="generation/sliding-window-reach",
    summary_contains=("sees everything", "window"),
    patch=_drop_window,
)(unchanged)


def _unfilled_places_count(body: Any, options: Options) -> None:
    cache: Any = options.get("past_key_values")
    if type(cache).__name__ == "StaticCache":
        see_all(options, cache.layers[0].max_cache_len)


mutant(
    "static-cache-attends-to-empty",
    "empty positions of a static cache are attended to",
    number="G09",
    source="huggingface/transformers#30351",
    base=CHAT,
    caught_by="generation/static-cache-equals-dynamic",
    summary_contains=("static cache", "other tokens"),
    patch=lambda model: before_forward(model, _unfilled_places_count),
)(unchanged)


def _keep_static_cache(model: Any) -> None:
    own, stored = model._prepare_static_cache, list[Any]()

    def prepare(*args: Any, **options: Any) -> Any:
        stored.append(own(*args, **options) if not stored else stored[0])
        return stored[0]

    model._prepare_static_cache = prepare


mutant(
    "static-cache-not-reset",
    "the static cache is not reset between two calls",
    number="E01",
    source="huggingface/transformers#30670",
    base=CHAT,
    caught_by="generation/static-cache-equals-dynamic",
    summary_contains="second call",
    since="5.0",
    patch=_keep_static_cache,
)(unchanged)


@healthy(
    "half-precision-storage",
    "the weights are stored in half precision",
    base=CHAT,
    check="generation/cache-changes-nothing",
)
def half_precision_storage(directory: Path) -> None:
    store_as(directory, "float16")


@healthy(
    "window-above-context",
    "the sliding window is larger than any text that the model reads",
    base="tiny-sliding-window",
    check="generation/static-cache-equals-dynamic",
)
def window_above_context(directory: Path) -> None:
    set_keys(directory / "config.json", sliding_window=4096)


SEQ2SEQ = {
    "d_model": 64,
    "encoder_layers": 2,
    "decoder_layers": 2,
    "encoder_ffn_dim": 128,
    "decoder_ffn_dim": 128,
    "encoder_attention_heads": 4,
    "decoder_attention_heads": 4,
    "max_position_embeddings": 512,
    "init_std": 0.1,
    "decoder_start_token_id": 1,
    "forced_eos_token_id": None,
}


@mutant(
    "embeddings-scaled-for-ids-only",
    "the library's encoder scales embeddings only where it looks them up itself",
    source="own",
    base="tiny-encoder-decoder",
    caught_by="generation/embeddings-equal-ids",
    severity="hazard",
    summary_contains=("MarianMTModel of transformers", "does this to any weights", "inputs_embeds"),
    since="5.0",
)
def embeddings_scaled_for_ids_only(directory: Path) -> None:
    put_model(directory, "marian", "MarianMTModel", **SEQ2SEQ, scale_embedding=True)


@healthy(
    "embeddings-by-a-second-table",
    "ids are looked up in a second table too (Gemma 3n)",
    base="tiny-alternating-window",
    check="generation/embeddings-equal-ids",
    since="5.0",
    outcome="not_applicable",
)
def embeddings_by_a_second_table(directory: Path) -> None:
    layers = {"layer_types": ["sliding_attention", "full_attention"] * 2, "sliding_window": 32, "head_dim": 16}
    tables = {"hidden_size_per_layer_input": 16, "vocab_size_per_layer_input": 1024, "num_kv_shared_layers": 0}
    sizes = {"num_hidden_layers": 4, "intermediate_size": [128] * 4, "activation_sparsity_pattern": [0.0] * 4}
    settings = DECODER | sizes | layers | tables | {"laurel_rank": 8}
    put_model(directory, "gemma3n_text", "Gemma3nForCausalLM", **settings)


@healthy(
    "experts-with-a-capacity",
    "each expert takes a limited number of tokens of a batch, so that results depend on the batch by design",
    base="tiny-encoder-decoder",
    check="generation/cache-changes-nothing",
    since="5.0",
    outcome="not_applicable",
)
def experts_with_a_capacity(directory: Path) -> None:
    sizes = {"d_model": 64, "d_kv": 16, "d_ff": 128, "num_layers": 2, "num_decoder_layers": 2, "num_heads": 4}
    experts = {"num_experts": 4, "expert_capacity": 3, "num_sparse_encoder_layers": 1, "num_sparse_decoder_layers": 1}
    kind = "SwitchTransformersForConditionalGeneration"
    put_model(directory, "switch_transformers", kind, **sizes, **experts, decoder_start_token_id=1)
