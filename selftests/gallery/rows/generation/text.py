"""Defects of pipelines, streamers and missing masks in text generation."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from selftests.gallery.edits.files import set_keys, unchanged
from selftests.gallery.edits.forward_passes import around
from selftests.gallery.registry import CHAT, healthy, mutant


def _id_of(directory: Path, token: str) -> int:
    added = json.loads((directory / "tokenizer.json").read_text(encoding="utf-8"))["added_tokens"]
    return next(int(each["id"]) for each in added if each["content"] == token)


@mutant(
    "pad-token-is-turn-marker",
    "pad_token_id is a token that the template writes",
    number="D16",
    source="huggingface/transformers#16136",
    base=CHAT,
    caught_by="generation/missing-mask-changes-nothing",
    severity="hazard",
    summary_contains=("<|im_start|>", "pad_token_id"),
)
def pad_token_is_turn_marker(directory: Path) -> None:
    set_keys(directory / "generation_config.json", pad_token_id=_id_of(directory, "<|im_start|>"))


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


mutant(
    "pipeline-prompt-second-bos",
    "the pipeline's prompt has a second beginning",
    number="D12",
    source="own",
    base=CHAT,
    caught_by="generation/pipeline-gives-the-same-ids",
    summary_contains=("another prompt", "<|endoftext|>"),
    patch_tokenizer=_bos_again,
)(unchanged)


@mutant(
    "config-prefix-for-pipelines",
    "config.json brings a prefix that only pipelines read",
    number="D13",
    source="own",
    base="tiny-sliding-window",
    caught_by="generation/pipeline-gives-the-same-ids",
    summary_contains="another prompt",
)
def config_prefix_for_pipelines(directory: Path) -> None:
    set_keys(directory / "config.json", prefix="Answer the question. ")


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


def _streaming_through(kind: Any) -> Callable[[Any], None]:
    def generate(own: Any, *args: Any, streamer: Any = None, **options: Any) -> Any:
        return own(*args, streamer=kind(streamer) if streamer else None, **options)

    return lambda model: around(model, "generate", generate)


mutant(
    "streamer-decodes-single-tokens",
    "each token is streamed as it decodes alone",
    number="G13",
    source="mlc-ai/mlc-llm#2978",
    base=CHAT,
    caught_by="generation/streams-what-it-generates",
    summary_contains=("U+FFFD", "complete"),
    patch=_streaming_through(_OneByOne),
)(unchanged)


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


mutant(
    "streamer-loses-last-token",
    "the last token is not streamed",
    number="D04",
    source="own",
    base=CHAT,
    caught_by="generation/streams-what-it-generates",
    summary_contains="loses text",
    patch=_streaming_through(_Forgetful),
)(unchanged)


@healthy(
    "explicit-neutral-settings",
    "generation_config.json writes out defaults that change nothing",
    base=CHAT,
    check="generation/pipeline-gives-the-same-ids",
)
def explicit_neutral_settings(directory: Path) -> None:
    set_keys(directory / "generation_config.json", do_sample=False, num_beams=1, repetition_penalty=1.0, use_cache=True)
