"""Rows about caches: places that are lost, kept too long or counted anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.forwards import Options, before_forward, new, past, see_all
from selftests.gallery.registry import CHAT, mutant


def _without_one_position(body: Any, options: Options) -> None:
    if past(options):
        for layer in options["past_key_values"].layers:
            layer.keys[:, :, 2] = 0


@mutant(
    "G07",
    "the cache loses a position: other results with and without it",
    source="huggingface/transformers#36536",
    base=CHAT,
    caught_by="generation/cache-changes-nothing",
    naming=("use_cache=True", "use_cache=False"),
    patch=lambda model: before_forward(model, _without_one_position),
)
def cache_loses_a_position(directory: Path) -> None:
    """The files stay healthy."""


def _unfilled_places_count(body: Any, options: Options) -> None:
    cache: Any = options.get("past_key_values")
    if type(cache).__name__ == "StaticCache":
        see_all(options, cache.layers[0].max_cache_len)


@mutant(
    "G09",
    "places of a static cache that are not filled yet are attended to",
    source="huggingface/transformers#30351",
    base=CHAT,
    caught_by="generation/static-cache-equals-dynamic",
    naming=("static cache", "something else"),
    patch=lambda model: before_forward(model, _unfilled_places_count),
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


def _positions_start_anew(body: Any, options: Options) -> None:
    import torch

    if past(options) and new(options) > 1:
        options["position_ids"] = torch.arange(new(options))[None]


@mutant(
    "E09",
    "a second turn counts its positions from 0 again",
    source="own",
    base=CHAT,
    caught_by="generation/continues-from-cache",
    naming="past_key_values",
    patch=lambda model: before_forward(model, _positions_start_anew),
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
    patch=lambda model: before_forward(model, _positions_start_anew),
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
    patch=lambda model: before_forward(model, _keep_rejected),
)
def rejected_drafts_stay(directory: Path) -> None:
    """The files stay healthy."""


def _drafts_see_each_other(body: Any, options: Options) -> None:
    if past(options) and new(options) > 1:
        see_all(options, past(options) + new(options))


@mutant(
    "E12",
    "drafted tokens are verified with the ones behind them in sight",
    source="own",
    base=CHAT,
    caught_by="generation/assisted-equals-greedy",
    naming="Assisted decoding",
    patch=lambda model: before_forward(model, _drafts_see_each_other),
)
def drafts_see_what_follows(directory: Path) -> None:
    """The files stay healthy."""
