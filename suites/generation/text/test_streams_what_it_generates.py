from __future__ import annotations

from typing import Any

from fixtures.machine import library_versions
from fixtures.session.uses import uses
from suites.evidence import around, escaped
from suites.findings import Defect, NotApplicable
from suites.running import forced_tokens

TEXTS = ("Grüße 👩\u200d🚀, 你好，世界 — ok.\n", "One two three, four.\n  Five six.")
"""Characters of several tokens, and lines; the second for vocabularies that cannot write the first."""
REPLACEMENT = "\ufffd"


@uses("generation")
def test_streams_what_it_generates(tokenizer: Any, generator: Any) -> None:
    """TextStreamer and TextIteratorStreamer output exactly the text of the new tokens, in complete characters.

    Why: users read the stream. A lost token, or a character shown before it is complete, is a wrong answer to them,
        while logs and tests that decode all ids look right.
    Fix: Decode all ids received so far together, and hold back the end while its last character is incomplete, as the
        library's streamers do.
    Source: https://huggingface.co/docs/transformers/internal/generation_utils (streamers); https://github.com/mlc-ai/mlc-llm/issues/2978
    """
    if library_versions.of_mistral_common(tokenizer):
        raise NotApplicable("the library's streamers use decode options that mistral-common does not support")
    forced = _forced_ids(generator, tokenizer)
    inputs = forced_tokens.prompt(generator, tokenizer)
    streamers = _streamers(tokenizer)
    with forced_tokens.plain_settings(generator):
        output = forced_tokens.generated(
            generator, inputs, forced=[forced], max_new_tokens=len(forced), streamer=_Both(streamers)
        )
    ids = forced_tokens.new_ids(generator, inputs, output)[0]
    for streamer, expected in zip(streamers, _streamed_directly(tokenizer, ids), strict=True):
        _must_be(streamer, expected, tokenizer.decode(ids, skip_special_tokens=True), ids)


def _must_be(streamer: Any, direct: str, whole: str, ids: list[int]) -> None:
    """Compares the stream with decoding at once, and with streaming without `generate`.

    A difference between these two is due to the tokenizer (reported by tokenizers/streams-what-it-decodes).
    """
    __tracebackhide__ = True
    streamed = "".join(streamer)
    if streamed in (whole, direct):
        return
    was, now = around(whole, streamed)
    name = type(streamer).__name__.removeprefix("Recording")
    evidence = {"streamed": escaped(streamed, limit=400), "text": escaped(whole, limit=400), "ids": ids}
    if streamed.count(REPLACEMENT) > whole.count(REPLACEMENT):
        raise Defect(f"{name} shows U+FFFD before a character is complete: {now} instead of {was}.", evidence=evidence)
    what = "loses text" if len(streamed) < len(whole) else "gives other text"
    raise Defect(f"During generate() {name} {what}: {now} instead of {was}.", evidence=evidence)


def _forced_ids(model: Any, tokenizer: Any) -> list[int]:
    """Ids of the first text that the vocabulary can write, without special tokens."""
    special = set(tokenizer.all_special_ids)
    for text in TEXTS:
        ids = forced_tokens.text_ids(model, tokenizer, text)
        if not special & set(ids) and REPLACEMENT not in tokenizer.decode(ids):
            return ids
    return [each for each in ids if each not in special] or ids


def _streamed_directly(tokenizer: Any, ids: list[int]) -> list[str]:
    """Returns the output of the same streamers when they get the ids directly, without `generate`."""
    import torch

    streamers = _streamers(tokenizer)
    both = _Both(streamers)
    for each in [ids[:1], *([number] for number in ids)]:  # the first is skipped like a prompt
        both.put(torch.tensor(each))
    both.end()
    return ["".join(streamer) for streamer in streamers]


def _streamers(tokenizer: Any) -> list[Any]:
    from transformers import TextIteratorStreamer, TextStreamer

    class RecordingTextStreamer(TextStreamer):  # type: ignore[misc]
        """Stores the text that the base class would print."""

        def __init__(self, *args: Any, **options: Any):
            super().__init__(*args, **options)
            self.pieces: list[str] = []

        def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
            self.pieces.append(text)

        def __iter__(self) -> Any:
            return iter(self.pieces)

    options = {"skip_prompt": True, "skip_special_tokens": True}
    return [RecordingTextStreamer(tokenizer, **options), TextIteratorStreamer(tokenizer, timeout=10, **options)]


class _Both:
    """Passes everything on to several streamers, so that one generation serves all."""

    def __init__(self, streamers: list[Any]):
        self.streamers = streamers

    def put(self, value: Any) -> None:
        for streamer in self.streamers:
            streamer.put(value)

    def end(self) -> None:
        for streamer in self.streamers:
            streamer.end()
