from __future__ import annotations

from typing import Any

from hypothesis import given

from fixtures.inputs.texts import TRICKY_TEXTS, texts
from fixtures.session.needs import needs
from suites.findings import Hazard, Record
from suites.tokenizers.encoding import encode
from suites.tokenizers.evidence import case
from suites.tokenizers.streaming.streams import LINES, REPLACEMENT, comparison, decoder_rule
from suites.tokenizers.tokenization_pipeline import pipeline


@needs("streams")
def test_stream_of_the_backend(tokenizer: Any, record: Record) -> None:
    """The pieces that tokenizers' DecodeStream gives, token by token, join to the text of all ids.

    Why: servers stream with it; a piece that is lost or changed is lost for the reader, and an exception ends the
        answer.
    Fix: A decoder that looks at more than one token, such as one that cleans up spaces before punctuation, cannot be
        streamed: restore the decoder of tokenizer.json from the original model.
    Source: https://github.com/huggingface/tokenizers/pull/1677; https://github.com/vllm-project/vllm/pull/19449
    """
    backend = pipeline(tokenizer).backend
    record.capability("tokenizer.decode_stream", "not supported" if backend is None else "supported")
    if backend is None:
        return
    for text in (*TRICKY_TEXTS.values(), LINES):
        streamed(tokenizer, text)

    @given(text=texts(max_size=3))
    def any_text(text: str) -> None:
        streamed(tokenizer, text)

    any_text()


def streamed(tokenizer: Any, text: str) -> None:
    """Compares the stream with decoding all ids; an unfinished character at the end may be held back."""
    __tracebackhide__ = True
    ids = encode(tokenizer, text)
    whole = pipeline(tokenizer).backend.decode(ids, skip_special_tokens=False)
    pieces = stepped(tokenizer, text, ids)
    joined = "".join(pieces)
    held_back = whole[len(joined) :] if whole.startswith(joined) else "all"
    if held_back.strip(REPLACEMENT):
        what, evidence = comparison(tokenizer, text, ids, pieces, whole)
        raise Hazard(f"DecodeStream gives other text than decode{cause(tokenizer)}: {what}.", evidence=evidence)


def stepped(tokenizer: Any, text: str, ids: list[int]) -> list[str]:
    """What the stream gives for each id, where it gives something."""
    __tracebackhide__ = True
    from tokenizers.decoders import DecodeStream

    stream, backend = DecodeStream(skip_special_tokens=False), pipeline(tokenizer).backend
    try:
        return [piece for piece in (stream.step(backend, each) for each in ids) if piece is not None]
    except Exception as error:
        raise Hazard(
            f"DecodeStream cannot stream a text{cause(tokenizer)}: {error}", evidence=case(tokenizer, text, ids)
        ) from None


def cause(tokenizer: Any) -> str:
    """Decoders that change what is already written."""
    rule = decoder_rule(tokenizer, "Replace", "Strip", "WordPiece", "CTC")
    return f", because {rule} changes text that is written already" if rule else ""
