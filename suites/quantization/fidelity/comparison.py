"""Scores of both models for every token of the corpus, computed once for each variant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from fixtures.inputs.corpora.corpus import Corpus
from fixtures.models.loading import Loaded
from suites import scoring
from suites.findings import Blocked
from suites.running import generate
from suites.scoring import dequantized, passages
from suites.scoring.model_comparison import Chunk
from suites.scoring.passages import Passage

BLOCK = 64
"""Tokens of a text that are resampled together: neighbours are hard to predict for the same reasons."""

MOST_STATES = 20_000
"""Tokens whose states are stored for the next variant: some hundred megabytes of a large model."""


@dataclass(frozen=True)
class Fidelity(Chunk):
    """Arrays with an entry for each scored token, in the order of the texts; `other` is the variant."""

    passages: list[Passage]
    through: str
    """Weights that the figures were computed with, and the reason."""
    version: str

    @property
    def block(self) -> Any:
        """Number of the block that each token belongs to."""
        import numpy

        _, number = numpy.unique(self.text * 1_000_000 + self.position // BLOCK, return_inverse=True)
        return number

    def blocks(self, *values: Any) -> Any:
        """Returns sums of arrays over the blocks, and the number of tokens (blocks x columns)."""
        import numpy

        columns = [numpy.bincount(self.block, weights=value) for value in values]
        return numpy.stack([*columns, numpy.bincount(self.block)], axis=1)

    def of(self, texts: Sequence[int]) -> Any:
        """Returns a mask of the tokens of these texts."""
        import numpy

        return numpy.isin(self.text, texts)

    def domains(self) -> dict[str, list[int]]:
        """Returns the numbers of the texts of each domain."""
        found: dict[str, list[int]] = {}
        for number, passage in enumerate(self.passages):
            found.setdefault(passage.text.domain, []).append(number)
        return found


def fidelity(loaded: Loaded, reference: Loaded, tokenizer: Any, corpus: Corpus, memory: int) -> Fidelity:
    """Compares a variant with the full model (`reference`).

    Raises:
        Blocked: the full model has no finite logits.
        Refused: its forward pass fails.
    """
    return loaded.once("fidelity", lambda: _compare(loaded, reference, tokenizer, corpus, memory))


def _compare(loaded: Loaded, reference: Loaded, tokenizer: Any, corpus: Corpus, memory: int) -> Fidelity:
    import numpy

    every = passages.passages(reference.model, tokenizer, corpus)
    ids = [passage.ids for passage in every]
    with generate.refusals("A forward pass"):
        ready = dequantized.prepare(loaded, reference, tokenizer, memory)
        with dequantized.active(loaded):
            chunks = list(
                scoring.compare(
                    reference.model,
                    loaded.model,
                    ids,
                    window=passages.window(reference.model),
                    prefix=passages.prefix(reference.model, tokenizer),
                    states=_stored_states(reference, sum(map(len, ids))),
                )
            )
    names = [field.name for field in fields(Chunk)]
    columns = {name: numpy.concatenate([getattr(chunk, name) for chunk in chunks]) for name in names}
    order = numpy.lexsort((columns["position"], columns["text"]))
    columns = {name: values[order] for name, values in columns.items()}
    if not numpy.isfinite(columns["full"]).all():
        raise Blocked("quality/predicts-text", "the full model's logits are not finite: nothing to compare with")
    kind = "dequantized weights" if ready.layers else "the variant's own kernels"
    found = Fidelity(**columns, passages=every, through=f"{kind}: {ready.reason}", version=corpus.version)
    _remember(found, loaded, reference, corpus)
    return found


def _stored_states(reference: Loaded, tokens: int) -> dict[int, Any] | None:
    """Returns the store of the full model's states for the next variant; None if there are too many."""
    return reference.shared.setdefault("states", {}) if tokens <= MOST_STATES else None


def _remember(found: Fidelity, loaded: Loaded, reference: Loaded, corpus: Corpus) -> None:
    """Stores the log-probabilities, so that the checks of perplexity do not compute them again."""
    for model, values in ((reference, found.full), (loaded, found.other)):
        scored = [(passage, values[found.text == number]) for number, passage in enumerate(found.passages)]
        passages.remember(model, corpus, scored)
