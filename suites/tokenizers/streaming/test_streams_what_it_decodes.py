from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from fixtures.inputs.texts import TRICKY_TEXTS, texts
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from suites.findings import Hazard
from suites.tokenizers.encoding import encode
from suites.tokenizers.streaming.streams import LINES, comparison, cut, decoder_rule
from suites.tokenizers.tokenization_pipeline import pipeline

ONE_BY_ONE = (1,)


@needs("streams")
@uses("generation", worst="hazard")
def test_streams_what_it_decodes(tokenizer: Any) -> None:
    """The pieces from TextStreamer and TextIteratorStreamer join to the decoded text of all ids.

    Why: a chat shows the streamed text and stores the decoded one; streamed code that loses a space of its
        indentation does not run.
    Fix: Stream with tokenizers' DecodeStream, or decode all ids each time. The files may be right: TextStreamer decodes
        each line anew, and a decoder such as SentencePiece's strips the space at its start.
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
    """Compares the text of both streamers, fed with pieces of the ids, with the decoded text of all ids."""
    __tracebackhide__ = True
    ids = encode(tokenizer, text)
    whole = tokenizer.decode(ids)
    for name, pieces in both(tokenizer, ids, sizes).items():
        if "".join(pieces) != whole:
            what, evidence = comparison(tokenizer, text, ids, pieces, whole)
            summary = f"{name} streams other text than decode returns{cause(tokenizer, ids)}: {what}."
            raise Hazard(summary, evidence=evidence)


def both(tokenizer: Any, ids: list[int], sizes: Any) -> dict[str, list[str]]:
    """The pieces that each streamer emits."""
    import torch
    from transformers import TextIteratorStreamer, TextStreamer

    class Collecting(TextStreamer):  # type: ignore[misc]
        """Collects the text that the base class would print."""

        def on_finalized_text(self, text: str, stream_end: bool = False) -> None:
            printed.append(text)

    printed: list[str] = []
    printing, iterating = Collecting(tokenizer), TextIteratorStreamer(tokenizer, timeout=10)
    for streamer in (printing, iterating):
        for piece in cut(ids, sizes):
            streamer.put(torch.tensor(piece))
        streamer.end()
    return {"TextStreamer": printed, "TextIteratorStreamer": list(iterating)}


def cause(tokenizer: Any, ids: list[int]) -> str:
    """Clause that names what changes earlier text or the start of each line, which TextStreamer decodes anew."""
    cleaned = tokenizer.decode(ids) != tokenizer.decode(ids, clean_up_tokenization_spaces=False)
    if cleaned or (pipeline(tokenizer).backend is None and tokenizer.clean_up_tokenization_spaces):
        return ", because clean_up_tokenization_spaces is true"
    rule = decoder_rule(tokenizer, "Strip", "Metaspace", "WordPiece")
    return f", because {rule} strips the start of each line" if rule else ""
