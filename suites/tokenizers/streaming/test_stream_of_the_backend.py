from __future__ import annotations

from typing import Any

from hypothesis import given

from fixtures.inputs.texts import TRICKY_TEXTS, texts
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from suites.findings import Hazard, NotApplicable, Record
from suites.tokenizers.encoding import encode
from suites.tokenizers.evidence import case
from suites.tokenizers.streaming.streams import LINES, REPLACEMENT, comparison, decoder_rule
from suites.tokenizers.tokenization_pipeline import pipeline


@needs("streams")
@uses("serving", worst="hazard")
def test_stream_of_the_backend(tokenizer: Any, record: Record) -> None:
    """The pieces from tokenizers' DecodeStream, token by token, join to the decoded text of all ids.

    Why: servers stream answers with it; the reader misses text that is lost, and an exception ends the answer.
    Fix: Restore the decoder of tokenizer.json from the original model: a decoder that changes text across tokens,
        such as spaces before punctuation, cannot be streamed.
    Source: https://github.com/huggingface/tokenizers/pull/1677; https://github.com/vllm-project/vllm/pull/19449
    """
    backend = pipeline(tokenizer).backend
    record.capability("tokenizer.decode_stream", "not supported" if backend is None else "supported")
    if backend is None:
        raise NotApplicable(f"{type(tokenizer).__name__} has no backend of the library tokenizers")
    for text in (*TRICKY_TEXTS.values(), LINES):
        streamed(tokenizer, text)

    @given(text=texts(max_size=3))
    def any_text(text: str) -> None:
        streamed(tokenizer, text)

    any_text()


def streamed(tokenizer: Any, text: str) -> None:
    """Compares the stream with the decoded text of all ids; an incomplete character at the end may be missing."""
    __tracebackhide__ = True
    ids = encode(tokenizer, text)
    whole = pipeline(tokenizer).backend.decode(ids, skip_special_tokens=False)
    pieces = stepped(tokenizer, text, ids)
    joined = "".join(pieces)
    held_back = whole[len(joined) :] if whole.startswith(joined) else "all"
    if held_back.strip(REPLACEMENT):
        what, evidence = comparison(tokenizer, text, ids, pieces, whole)
        raise Hazard(
            f"DecodeStream streams other text than decode returns{cause(tokenizer)}: {what}.", evidence=evidence
        )


def stepped(tokenizer: Any, text: str, ids: list[int]) -> list[str]:
    """The pieces of text that the stream returns."""
    __tracebackhide__ = True
    from tokenizers.decoders import DecodeStream

    stream, backend = DecodeStream(skip_special_tokens=False), pipeline(tokenizer).backend
    try:
        return [piece for piece in (stream.step(backend, each) for each in ids) if piece is not None]
    except Exception as error:
        summary = f"DecodeStream fails on a text{cause(tokenizer)}: {error}"
        raise Hazard(summary, evidence=case(tokenizer, text, ids)) from None


def cause(tokenizer: Any) -> str:
    """Clause that names a step of the decoder which changes earlier text; '' for none."""
    rule = decoder_rule(tokenizer, "Replace", "Strip", "WordPiece", "CTC")
    return f", because {rule} changes text that is already streamed" if rule else ""
