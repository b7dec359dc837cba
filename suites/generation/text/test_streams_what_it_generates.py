from __future__ import annotations

from typing import Any

from fixtures.machine import library_versions
from suites.evidence import around, escaped
from suites.findings import Defect, Unsupported
from suites.running import forced_tokens

TEXTS = ("Grüße 👩\u200d🚀, 你好，世界 — ok.\n", "One two three, four.\n  Five six.")
"""Characters of several tokens, and lines; the second for vocabularies that cannot write the first."""
REPLACEMENT = "\ufffd"


def test_streams_what_it_generates(tokenizer: Any, generator: Any) -> None:
    """What TextStreamer and TextIteratorStreamer give during `generate` joins to the text of the new tokens, without
    the prompt and with every character whole.

    Why: a chat shows the stream; a token that is lost or shown before its character is complete is a wrong answer to
        the reader, while logs and tests that decode all ids look right.
    Fix: Decode the ids that came so far together, and hold back what ends in an unfinished character, as the
        library's streamers do.
    Source: https://huggingface.co/docs/transformers/internal/generation_utils (streamers); https://github.com/mlc-ai/mlc-llm/issues/2978
    """
    if library_versions.of_mistral_common(tokenizer):
        raise Unsupported("the library's streamers decode with options that mistral-common does not take")
    speech = _speech(generator, tokenizer)
    inputs = forced_tokens.prompt(generator, tokenizer)
    streamers = _streamers(tokenizer)
    with forced_tokens.plain_settings(generator):
        output = forced_tokens.generated(
            generator, inputs, says=[speech], max_new_tokens=len(speech), streamer=_Both(streamers)
        )
    ids = forced_tokens.new_ids(generator, inputs, output)[0]
    for streamer, expected in zip(streamers, _by_hand(tokenizer, ids), strict=True):
        _must_be(streamer, expected, tokenizer.decode(ids, skip_special_tokens=True), ids)


def _must_be(streamer: Any, by_hand: str, whole: str, ids: list[int]) -> None:
    """A stream that differs from decoding for the tokenizer's sake is told by tokenizers/streams-what-it-decodes."""
    __tracebackhide__ = True
    given = "".join(streamer)
    if given in (whole, by_hand):
        return
    was, now = around(whole, given)
    name = type(streamer).__name__.removeprefix("Kept")
    evidence = {"streamed": escaped(given, limit=400), "text": escaped(whole, limit=400), "ids": ids}
    if given.count(REPLACEMENT) > whole.count(REPLACEMENT):
        raise Defect(f"{name} shows U+FFFD before a character is complete: {now} where the text has {was}.",
                     evidence=evidence)  # fmt: skip
    what = "loses text" if len(given) < len(whole) else "gives other text"
    raise Defect(f"During generate {name} {what}: {now} where the new tokens say {was}.", evidence=evidence)


def _speech(model: Any, tokenizer: Any) -> list[int]:
    """Ids of the first text that the vocabulary can write, without any at which something else would happen."""
    special = set(tokenizer.all_special_ids)
    for text in TEXTS:
        ids = forced_tokens.said(model, tokenizer, text)
        if not special & set(ids) and REPLACEMENT not in tokenizer.decode(ids):
            return ids
    return [each for each in ids if each not in special] or ids


def _by_hand(tokenizer: Any, ids: list[int]) -> list[str]:
    """What the same streamers give when they are fed with the ids and not by `generate`."""
    import torch

    fed = _streamers(tokenizer)
    both = _Both(fed)
    for each in [ids[:1], *([number] for number in ids)]:  # the first is skipped, as the prompt is
        both.put(torch.tensor(each))
    both.end()
    return ["".join(streamer) for streamer in fed]


def _streamers(tokenizer: Any) -> list[Any]:
    from transformers import TextIteratorStreamer, TextStreamer

    class KeptTextStreamer(TextStreamer):  # type: ignore[misc]
        """Keeps what the base class would print."""

        def __init__(self, *args: Any, **options: Any):
            super().__init__(*args, **options)
            self.pieces: list[str] = []

        def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
            self.pieces.append(text)

        def __iter__(self) -> Any:
            return iter(self.pieces)

    options = {"skip_prompt": True, "skip_special_tokens": True}
    return [KeptTextStreamer(tokenizer, **options), TextIteratorStreamer(tokenizer, timeout=10, **options)]


class _Both:
    """Hands everything on to several streamers, so that one generation serves them all."""

    def __init__(self, streamers: list[Any]):
        self.streamers = streamers

    def put(self, value: Any) -> None:
        for streamer in self.streamers:
            streamer.put(value)

    def end(self) -> None:
        for streamer in self.streamers:
            streamer.end()
