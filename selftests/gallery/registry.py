"""A row of the gallery: a documented defect, how to make it, and the check that must catch it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHAT = "tiny-text-generation"
SENTENCEPIECE = "tiny-text-generation-spm"
CLASSIFIER = "tiny-text-classification"
HEALTHY = (CHAT, SENTENCEPIECE, CLASSIFIER)

Mutation = Callable[[Path], None]


@dataclass(frozen=True)
class Mutant:
    """A healthy subject with one defect put into its files."""

    id: str
    """Short and unique; the rows of the project's list of documented defects keep their ids."""
    defect: str
    """One line."""
    source: str
    """Where it is documented: `owner/repository#issue`, a document, or 'own'."""
    base: str
    """Name of the built-in that it is made from."""
    caught_by: str
    """Id of the check that must fail."""
    severity: str
    """defect or hazard."""
    naming: tuple[str, ...]
    """What the finding's summary must contain: the cause."""
    mutate: Mutation
    """Changes the files of a copy of `base`."""
    since: str = "4.57"
    """First version of transformers in which the defect shows."""
    patch: Callable[[Any], None] | None = None
    """Changes the loaded model, for defects that no file can show."""
    patch_tokenizer: Callable[[Any], None] | None = None
    """Changes each tokenizer that is loaded from the subject's own directory, likewise."""
    patch_pipe: Callable[[Any], None] | None = None
    """Changes each pipe that is made of the subject, likewise."""
    also: tuple[str, ...] = ()
    """More suites that must not break on it; its own runs anyway."""
    quantization: str = "none"
    """The variant that it is tried in; `patch` changes that one, and not the full model that it is compared with."""


MUTANTS: dict[str, Mutant] = {}


def mutant(
    id: str,
    defect: str,
    *,
    source: str,
    base: str,
    caught_by: str,
    naming: tuple[str, ...] | str,
    severity: str = "defect",
    since: str = "4.57",
    patch: Callable[[Any], None] | None = None,
    patch_tokenizer: Callable[[Any], None] | None = None,
    patch_pipe: Callable[[Any], None] | None = None,
    also: tuple[str, ...] = (),
    quantization: str = "none",
) -> Callable[[Mutation], Mutation]:
    """Registers the decorated function, which changes the files of a copy of `base`."""

    def register(mutate: Mutation) -> Mutation:
        assert id not in MUTANTS, f"two gallery rows are called {id}"
        words = (naming,) if isinstance(naming, str) else naming
        MUTANTS[id] = Mutant(
            id,
            defect,
            source,
            base,
            caught_by,
            severity,
            words,
            mutate,
            since,
            patch,
            patch_tokenizer,
            patch_pipe,
            also,
            quantization,
        )
        return mutate

    return register
