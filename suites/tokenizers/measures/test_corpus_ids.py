from __future__ import annotations

from typing import Any

from fixtures.inputs import tokenizer_corpus
from fixtures.session.uses import uses
from suites.evidence import escaped
from suites.findings import Record
from suites.tokenizers.encoding import panics_as_errors
from suites.tokenizers.measures.component_digests import digests

NAME = "Token ids of the corpus"
REFUSED = [-1]
"""Recorded for a text that cannot be encoded, which `tokenizers/round-trip` reports."""

WHOLE = ("english/1", "python/1")
"""Texts that are also encoded with the special tokens that the tokenizer adds."""


@uses("text", worst="nothing")
def test_corpus_ids(tokenizer: Any, record: Record) -> None:
    """The ids of a fixed corpus are recorded, so that a comparison with a baseline shows changes.

    Why: an upgrade of the library or a new revision of the files can change ids silently; a model then reads tokens
        that it was not trained on.
    Fix: Nothing is wrong; save a baseline with --save-baseline and compare with --baseline after an upgrade.
    Source: https://github.com/huggingface/transformers/issues/45701;
        https://github.com/huggingface/tokenizers/issues/1512
    """
    texts = tokenizer_corpus.lines()
    ids = {name: _ids(tokenizer, text, whole=False) for name, text in texts.items()}
    ids |= {f"special-tokens/{name}": _ids(tokenizer, texts[name], whole=True) for name in WHOLE}
    shown = {name: escaped(text) for name, text in texts.items()}
    record.sequences(NAME, ids, version=tokenizer_corpus.version(), rules=digests(tokenizer), texts=shown)


def _ids(tokenizer: Any, text: str, *, whole: bool) -> list[int]:
    try:
        with panics_as_errors():
            return list(tokenizer.encode(text, add_special_tokens=whole))
    except Exception:
        return REFUSED
