"""Rows of the gallery: defects that a check must catch, and healthy variations on which it must pass."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, Unpack

CHAT = "tiny-text-generation"
SENTENCEPIECE = "tiny-text-generation-spm"
CLASSIFIER = "tiny-text-classification"
HEALTHY = (CHAT, SENTENCEPIECE, CLASSIFIER)

Edit = Callable[[Path], None]
Patch = Callable[[Any], None]


@dataclass(frozen=True, kw_only=True)
class Row:
    """A changed copy of a built-in, and the check that it is about."""

    id: str
    """Readable and unique: `pytest selftests/gallery -k ID` selects this row alone."""
    title: str
    """The change, in one line."""
    base: str
    """Name of the built-in that is copied."""
    check: str
    """Id of the check that the row is about."""
    edit: Edit
    """Changes the files of the copy."""
    module: str
    """Module that registers the row."""
    since: str = "4.57"
    """First version of transformers in which the row behaves as described."""
    patch: Patch | None = None
    """Changes the loaded model, for what no file can show."""
    patch_tokenizer: Patch | None = None
    """Changes each tokenizer that is loaded from the copy's own directory."""
    patch_pipe: Patch | None = None
    """Changes each pipe that is made of the copy."""
    also: tuple[str, ...] = ()
    """Further suites to run on the copy; the check's own suite always runs."""
    quantization: str = "none"
    """The variant that is loaded. `patch` changes this variant only, not the full model that it is compared with."""
    slow: bool = False
    """Whether `tox run -e slow` runs it and the default run leaves it out; another row of its check stays there."""


@dataclass(frozen=True, kw_only=True)
class Mutant(Row):
    """A row with a documented defect: the check must report it."""

    source: str
    """Where the defect is documented: `owner/repository#issue`, an address, or 'own'."""
    severity: str
    """Severity of the finding: defect or hazard; `unsupported` for what the library refuses, and is no finding."""
    summary_contains: tuple[str, ...]
    """Words of the finding's summary that name the cause."""
    uses: tuple[str, ...] = ()
    """Uses that the finding affects, and no others; empty if the row does not say."""
    number: str = ""
    """Number in the project's list of documented defects, or the row's earlier id."""


@dataclass(frozen=True, kw_only=True)
class Variation(Row):
    """A row with an unusual but valid subject: the check must pass."""

    outcome: str = "pass"
    """`not_applicable` where the subject has nothing that the check could test."""


class Options(TypedDict, total=False):
    """Fields of `Row` that most rows leave at their defaults."""

    since: str
    patch: Patch | None
    patch_tokenizer: Patch | None
    patch_pipe: Patch | None
    also: tuple[str, ...]
    quantization: str
    slow: bool


MUTANTS: dict[str, Mutant] = {}
VARIATIONS: dict[str, Variation] = {}


def mutant(
    id: str,
    defect: str,
    *,
    source: str,
    base: str,
    caught_by: str,
    summary_contains: tuple[str, ...] | str,
    uses: tuple[str, ...] = (),
    number: str = "",
    severity: str = "defect",
    **more: Unpack[Options],
) -> Callable[[Edit], Edit]:
    """Registers the decorated function, which puts the defect into the files of a copy of `base`."""
    module = caller()

    def register(edit: Edit) -> Edit:
        assert id not in MUTANTS | VARIATIONS, f"two gallery rows are called {id}"
        words = (summary_contains,) if isinstance(summary_contains, str) else summary_contains
        MUTANTS[id] = Mutant(
            id=id,
            title=defect,
            base=base,
            check=caught_by,
            edit=edit,
            module=module,
            source=source,
            severity=severity,
            summary_contains=words,
            uses=uses,
            number=number,
            **more,
        )
        return edit

    return register


def healthy(
    id: str, variation: str, *, base: str, check: str, outcome: str = "pass", **more: Unpack[Options]
) -> Callable[[Edit], Edit]:
    """Registers the decorated function, which makes a valid variation of `base` on which `check` must pass."""
    module = caller()

    def register(edit: Edit) -> Edit:
        assert id not in MUTANTS | VARIATIONS, f"two gallery rows are called {id}"
        VARIATIONS[id] = Variation(
            id=id, title=variation, base=base, check=check, edit=edit, module=module, outcome=outcome, **more
        )
        return edit

    return register


def caller() -> str:
    """Name of the module that calls the function that calls this one."""
    frame = inspect.currentframe()
    while frame and frame.f_globals["__name__"] == __name__:
        frame = frame.f_back
    assert frame
    return str(frame.f_globals["__name__"])
