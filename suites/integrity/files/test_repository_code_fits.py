from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Hazard, NotApplicable, Record

ROPE = "ROPE_INIT_FUNCTIONS"


@needs("config")
@uses("loading", worst="hazard")
def test_repository_code_fits(subject: Subject, record: Record) -> None:
    """Everything that the repository's Python files import from transformers exists in the installed version.

    Why: with trust_remote_code, code written for another version fails, or takes a fallback with different results.
        This check reads the files and does not run them.
    Fix: use the library's own class, pin the version that the code was written for, or correct the import.
    Source: https://github.com/unslothai/unsloth/issues/6223 (an entry that version 5 no longer has);
        https://huggingface.co/docs/transformers/custom_models
    """
    files = sorted(subject.path.glob("*.py"))
    record.capability("integrity.python_files", len(files), evidence=[path.name for path in files])
    if not files:
        raise NotApplicable("the repository has no Python files")
    missing = {path.name: found for path in files if (found := list(_missing(path)))}
    if missing:
        import transformers

        name, found = next(iter(missing.items()))
        raise Hazard(
            f"{name} uses {found[0]}, which transformers {transformers.__version__} does not have.", evidence=missing
        )


def _missing(path: Path) -> Iterator[str]:
    """Yields unguarded imports from transformers, and rope types, that the installed version does not have."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (ValueError, SyntaxError):
        return
    guarded = {id(inner) for node in ast.walk(tree) if isinstance(node, (ast.Try, ast.If)) for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and id(node) not in guarded and not node.level:
            yield from _missing_names(node.module or "", [alias.name for alias in node.names])
        elif isinstance(node, ast.Subscript) and getattr(node.value, "id", None) == ROPE:
            key = getattr(node.slice, "value", None)
            yield from [f"{ROPE}[{key!r}]"] * (isinstance(key, str) and not _is_rope_type(key))


def _missing_names(module: str, names: list[str]) -> Iterator[str]:
    """Yields the missing names; imports that fail because another package is not installed are not judged."""
    import importlib

    if module.partition(".")[0] != "transformers":
        return
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("transformers"):
            yield module
        return
    except Exception:
        return
    for name in names:
        if name != "*" and not _has(found, module, name):
            yield f"{module}.{name}"


def _has(found: Any, module: str, name: str) -> bool:
    import importlib.util

    try:
        return hasattr(found, name) or importlib.util.find_spec(f"{module}.{name}") is not None
    except Exception:  # it exists and needs another package; or its parent is not a package
        return hasattr(type(found), name) or name in dir(found)


def _is_rope_type(name: object) -> bool:
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    return name in ROPE_INIT_FUNCTIONS
