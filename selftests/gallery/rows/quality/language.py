"""Models that know no language: random weights, values in random order, and rows of another vocabulary."""

from __future__ import annotations

from pathlib import Path

from selftests.gallery.edits import noise
from selftests.gallery.registry import CHAT, SENTENCEPIECE, mutant

KNOWS, FILLS = "quality/knows-language", "quality/fills-masks"
NO_BETTER = "predicts text no better than a uniform guess"
SMOLLM2 = "smollm2"


@mutant(
    "every-matrix-drawn-anew",
    "every weight matrix holds new random numbers",
    source="own",
    base=CHAT,
    caught_by=KNOWS,
    summary_contains=(NO_BETTER, "weight matrices are random numbers, as after a new initialisation"),
    also=("integrity",),
)
@mutant(
    "summarizer-drawn-anew",
    "every weight matrix of an encoder-decoder holds new random numbers",
    source="own",
    base="tiny-text2text-generation",
    caught_by=KNOWS,
    summary_contains=("predicts text no better than", "0 of 3 canaries", "random numbers"),
)
@mutant(
    "filler-of-masks-drawn-anew",
    "every weight matrix of a masked language model holds new random numbers",
    source="own",
    base="tiny-fill-mask",
    caught_by=FILLS,
    summary_contains=("predicts text no better than", "0 of 3 canaries", "random numbers"),
)
def every_matrix_drawn_anew(directory: Path) -> None:
    noise.replace_matrices(directory, noise.drawn, noise.everywhere)


@mutant(
    "values-permuted",
    "the values inside every matrix stand in another order",
    source="own",
    base=SENTENCEPIECE,
    caught_by=KNOWS,
    summary_contains=("predicts text no better than", "matrices"),
)
@mutant(
    "values-of-every-matrix-permuted",
    "the values inside every matrix of a published model stand in another order",
    source="own",
    base=SMOLLM2,
    caught_by=KNOWS,
    summary_contains=(NO_BETTER, "the values of all 211 weight matrices stand in random order"),
    slow=True,
)
def values_permuted(directory: Path) -> None:
    noise.replace_matrices(directory, noise.permuted, noise.everywhere)


@mutant(
    "every-layer-drawn-anew",
    "all layers of a published model hold new random numbers, the embeddings do not",
    source="own",
    base=SMOLLM2,
    caught_by=KNOWS,
    summary_contains=(NO_BETTER, "210 of 211 weight matrices are random numbers"),
    slow=True,
)
def every_layer_drawn_anew(directory: Path) -> None:
    noise.replace_matrices(directory, noise.drawn, noise.in_layers)


@mutant(
    "upper-layers-drawn-anew",
    "the upper half of the layers of a published model holds new random numbers",
    source="own",
    base=SMOLLM2,
    caught_by=KNOWS,
    summary_contains=(NO_BETTER, "all matrices of the layers 15 to 29 are random numbers"),
    slow=True,
)
def upper_layers_drawn_anew(directory: Path) -> None:
    noise.replace_matrices(directory, noise.drawn, lambda name: noise.layer_of(name) >= 15)
