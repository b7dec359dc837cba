"""Log-likelihoods of texts and of continuations, and comparison of two models on the same tokens."""

from suites.scoring.choices import ContinuationScore, continuations, window_of
from suites.scoring.long_texts import rolling
from suites.scoring.model_comparison import Chunk, compare

__all__ = ["Chunk", "ContinuationScore", "compare", "continuations", "rolling", "window_of"]
