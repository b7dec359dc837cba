"""Both models on the corpus, token by token: computed once for a variant."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from fixtures.inputs.corpora.corpus import Corpus
from fixtures.models.loading import Loaded
from suites import scoring
from suites.findings import Unsupported
from suites.running import generate
from suites.scoring import dense, passages
from suites.scoring.pairs import Chunk
from suites.scoring.passages import Passage

BLOCK = 64
"""Tokens of a text that are resampled together: neighbours are hard to predict for the same reasons."""

MOST_KEPT = 20_000
"""Tokens whose states are kept: some hundred megabytes of a large model."""


@dataclass(frozen=True)
class Fidelity(Chunk):
    """Arrays with an entry for each scored token, in the order of the texts; `other` is the variant."""

    passages: list[Passage]
    through: str
    """What the figures were computed with, and why."""
    version: str

    @property
    def block(self) -> Any:
        """Number of the block that each token belongs to."""
        import numpy

        _, number = numpy.unique(self.text * 1_000_000 + self.position // BLOCK, return_inverse=True)
        return number

    def blocks(self, *values: Any) -> Any:
        """Sums of each of some arrays over the blocks, and the number of tokens (blocks x columns)."""
        import numpy

        columns = [numpy.bincount(self.block, weights=value) for value in values]
        return numpy.stack([*columns, numpy.bincount(self.block)], axis=1)

    def of(self, texts: Sequence[int]) -> Any:
        """Which tokens belong to these texts."""
        import numpy

        return numpy.isin(self.text, texts)

    def domains(self) -> dict[str, list[int]]:
        """The numbers of the texts of each domain."""
        found: dict[str, list[int]] = {}
        for number, passage in enumerate(self.passages):
            found.setdefault(passage.text.domain, []).append(number)
        return found


def fidelity(loaded: Loaded, reference: Loaded, tokenizer: Any, corpus: Corpus, memory: int) -> Fidelity:
    """Of the full model (`reference`) and a variant of it.

    Raises:
        Unsupported: the full model has no finite logits, or its forward pass fails.
    """
    return loaded.once("fidelity", lambda: _measured(loaded, reference, tokenizer, corpus, memory))


def _measured(loaded: Loaded, reference: Loaded, tokenizer: Any, corpus: Corpus, memory: int) -> Fidelity:
    import numpy

    every = passages.passages(reference.model, tokenizer, corpus)
    ids = [passage.ids for passage in every]
    with generate.refusals("A forward pass"):
        ready = dense.prepare(loaded, reference, tokenizer, memory)
        with dense.active(loaded):
            chunks = list(
                scoring.compare(
                    reference.model,
                    loaded.model,
                    ids,
                    window=passages.window(reference.model),
                    prefix=passages.prefix(reference.model, tokenizer),
                    kept=_kept(reference, sum(map(len, ids))),
                )
            )
    names = [field.name for field in fields(Chunk)]
    columns = {name: numpy.concatenate([getattr(chunk, name) for chunk in chunks]) for name in names}
    order = numpy.lexsort((columns["position"], columns["text"]))
    columns = {name: values[order] for name, values in columns.items()}
    if not numpy.isfinite(columns["full"]).all():
        raise Unsupported("the full model's logits are not finite (see quality/predicts-text): nothing to compare with")
    kind = "dequantized weights" if ready.layers else "the variant's own kernels"
    found = Fidelity(**columns, passages=every, through=f"{kind}: {ready.reason}", version=corpus.version)
    _share(found, loaded, reference, corpus)
    return found


def _kept(reference: Loaded, tokens: int) -> dict[int, Any] | None:
    """Where the full model's states stay for the next variant, on the device; None where they are many."""
    return reference.shared.setdefault("states", {}) if tokens <= MOST_KEPT else None


def _share(found: Fidelity, loaded: Loaded, reference: Loaded, corpus: Corpus) -> None:
    """The log-probabilities of the texts are those that perplexity is made of: no other check computes them again."""
    for model, values in ((reference, found.full), (loaded, found.other)):
        scored = [(passage, values[found.text == number]) for number, passage in enumerate(found.passages)]
        passages.remember(model, corpus, scored)
