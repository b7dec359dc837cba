from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fixtures.inputs.texts import TRICKY_TEXTS, texts
from fixtures.session.needs import needs
from suites.findings import Hazard
from suites.tokenizers.encoding import encode
from suites.tokenizers.streaming.streams import LINES, comparison, cut, decoder_rule
from suites.tokenizers.tokenization_pipeline import pipeline

ONE_BY_ONE = (1,)


@needs("streams")
def test_streams_what_it_decodes(
    tokenizer: Any,
) -> None:
    """The pieces that TextStreamer and TextIteratorStreamer give join to the text that decoding all ids gives.

    Why: a chat shows the streamed text and stores the decoded one; code that loses a space of its indentation in the
        stream does not run.
    Fix: Nothing in the file is wrong where its decoder strips the space before the first word, as SentencePiece
        does: TextStreamer decodes each line anew. Stream with tokenizers' DecodeStream, or decode all ids each time.
    Source: https://github.com/huggingface/transformers/issues/28776; https://github.com/huggingface/transformers/issues/22710
    """
    for text in (*TRICKY_TEXTS.values(), LINES):
        streamed(tokenizer, text, ONE_BY_ONE)
        streamed(tokenizer, text, (3, 1, 2))

    @given(text=texts(max_size=3), sizes=st.lists(st.integers(1, 5), min_size=1, max_size=4))
    def any_text(text: str, sizes: list[int]) -> None:
        streamed(tokenizer, text, sizes)

    any_text()


def streamed(tokenizer: Any, text: str, sizes: Any) -> None:
    """Compares both streamers, fed with pieces of the ids, with decoding them all."""
    __tracebackhide__ = True
    ids = encode(tokenizer, text)
    whole = tokenizer.decode(ids)
    for name, pieces in both(tokenizer, ids, sizes).items():
        if "".join(pieces) != whole:
            what, evidence = comparison(tokenizer, text, ids, pieces, whole)
            raise Hazard(f"{name} gives other text than decode{cause(tokenizer, ids)}: {what}.", evidence=evidence)


def both(tokenizer: Any, ids: list[int], sizes: Any) -> dict[str, list[str]]:
    """The pieces that each streamer emits."""
    import torch
    from transformers import TextIteratorStreamer, TextStreamer

    class Kept(TextStreamer):  # type: ignore[misc]
        """Keeps what the base class would print."""

        def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
            kept.append(text)

    kept: list[str] = []
    printing, iterating = Kept(tokenizer), TextIteratorStreamer(tokenizer, timeout=10)
    for streamer in (printing, iterating):
        for piece in cut(ids, sizes):
            streamer.put(torch.tensor(piece))
        streamer.end()
    return {"TextStreamer": kept, "TextIteratorStreamer": list(iterating)}


def cause(tokenizer: Any, ids: list[int]) -> str:
    """What changes text that is streamed already, or the start of every line, which TextStreamer decodes anew."""
    cleaned = tokenizer.decode(ids) != tokenizer.decode(ids, clean_up_tokenization_spaces=False)
    if cleaned or (pipeline(tokenizer).backend is None and tokenizer.clean_up_tokenization_spaces):
        return ", because clean_up_tokenization_spaces is true"
    rule = decoder_rule(tokenizer, "Strip", "Metaspace", "WordPiece")
    return f", because {rule} strips the start of each line" if rule else ""
