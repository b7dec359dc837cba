"""The scorer: log-likelihoods of texts and of continuations, and two models compared on the same tokens."""

from suites.scoring.choices import Scored, continuations, window_of
from suites.scoring.pairs import Chunk, compare
from suites.scoring.texts import rolling

__all__ = ["Chunk", "Scored", "compare", "continuations", "rolling", "window_of"]
