"""Rows about where a generation stops, how rows are filled up, and what is streamed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from selftests.gallery.forwards import around
from selftests.gallery.registry import CHAT, mutant

STOPS = "generation/stops-where-told"


def _without(model: Any, criterion: str, *, only_lists: bool = False) -> None:
    """Takes a kind of stopping criterion out of every generation."""

    def fewer(own: Any, **options: Any) -> Any:
        criteria = own(**options)
        kept = [each for each in criteria if type(each).__name__ != criterion]
        stops = options["generation_config"]._eos_token_tensor
        if only_lists and (stops is None or stops.numel() < 2):
            return criteria
        return type(criteria)(kept)

    around(model, "_get_stopping_criteria", fewer)


@mutant(
    "D01",
    "of several stop tokens none is looked for",
    source="huggingface/transformers#24644",
    base=CHAT,
    caught_by=STOPS,
    naming=("the list eos_token_id", "ignored"),
    patch=lambda model: _without(model, "EosTokenCriteria", only_lists=True),
)
def list_of_stop_tokens_is_ignored(directory: Path) -> None:
    """The files stay healthy."""


@mutant(
    "D02",
    "stop strings are not looked for",
    source="own",
    base=CHAT,
    caught_by=STOPS,
    naming=("stop_strings", "ignored"),
    patch=lambda model: _without(model, "StopStringCriteria"),
)
def stop_strings_are_ignored(directory: Path) -> None:
    """The files stay healthy."""


def _other_padding(own: Any, generation_config: Any, *args: Any, **options: Any) -> None:
    own(generation_config, *args, **options)
    generation_config._pad_token_tensor = generation_config._pad_token_tensor * 0 + 9


@mutant(
    "D03",
    "rows that have ended are filled with an ordinary token",
    source="own",
    base=CHAT,
    caught_by="generation/finished-rows-are-padded",
    naming=("pad token", "stop token"),
    patch=lambda model: around(model, "_prepare_special_tokens", _other_padding),
)
def rows_are_filled_with_another_token(directory: Path) -> None:
    """The files stay healthy."""


class _OneByOne:
    """Decodes each id on its own."""

    def __init__(self, streamers: Any):
        self.streamers, self.prompt = streamers.streamers, True

    def put(self, ids: Any) -> None:
        for streamer in self.streamers:
            if not self.prompt:
                streamer.on_finalized_text(streamer.tokenizer.decode(ids.tolist(), **streamer.decode_kwargs))
        self.prompt = False

    def end(self) -> None:
        for streamer in self.streamers:
            streamer.end()


class _Forgetful:
    """Forgets the last token."""

    def __init__(self, streamers: Any):
        self.streamers, self.held = streamers, None

    def put(self, ids: Any) -> None:
        if self.held is not None:
            self.streamers.put(self.held)
        self.held = ids

    def end(self) -> None:
        self.streamers.end()


def _streaming_through(kind: Any) -> Callable[[Any], None]:
    def generate(own: Any, *args: Any, streamer: Any = None, **options: Any) -> Any:
        return own(*args, streamer=kind(streamer) if streamer else None, **options)

    return lambda model: around(model, "generate", generate)


@mutant(
    "G13",
    "each token is streamed as it decodes alone",
    source="mlc-ai/mlc-llm#2978",
    base=CHAT,
    caught_by="generation/streams-what-it-generates",
    naming=("U+FFFD", "complete"),
    patch=_streaming_through(_OneByOne),
)
def streamed_one_by_one(directory: Path) -> None:
    """The files stay healthy."""


@mutant(
    "D04",
    "the last token is not streamed",
    source="own",
    base=CHAT,
    caught_by="generation/streams-what-it-generates",
    naming="loses text",
    patch=_streaming_through(_Forgetful),
)
def stream_loses_the_end(directory: Path) -> None:
    """The files stay healthy."""
