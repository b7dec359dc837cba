"""A pytest plugin (`-p selftests.gallery.patches`) that changes what is loaded from a row's subject."""

from __future__ import annotations

from functools import cache
from typing import Any
from unittest import mock

from fixtures.models import loading
from fixtures.models.loading import Loaded
from fixtures.pipelines import pipe
from fixtures.pipelines.pipe import Pipe
from fixtures.subjects.subject import Subject
from fixtures.subjects.variant import Variant
from selftests.gallery.harness import all_rows
from selftests.gallery.registry import Row

load_model, load_tokenizer, make_pipe = loading.load_model, loading.load_tokenizer, pipe.make
load_in_other_dtype = loading.load_in_other_dtype


@cache
def rows() -> dict[str, Row]:
    return all_rows()


def patched_model(subject: Subject, variant: Variant, **more: Any) -> Loaded:
    loaded = load_model(subject, variant, **more)
    row = rows().get(subject.path.name)
    if row and row.patch and variant.quantization == row.quantization:
        row.patch(loaded.model)
    return loaded


def patched_copy(subject: Subject, model: Any, variant: Variant) -> Any:
    """A copy in another dtype, patched like the model, unless the copy was loaded by `patched_model`."""
    with mock.patch.object(loading, "load_model", side_effect=patched_model) as loader:
        copy = load_in_other_dtype(subject, model, variant)
    row = rows().get(subject.path.name)
    if row and row.patch and not loader.called and variant.quantization == row.quantization:
        row.patch(copy)
    return copy


def patched_tokenizer(subject: Subject) -> Any:
    tokenizer = load_tokenizer(subject)
    row = rows().get(subject.path.name)
    if row and row.patch_tokenizer:
        row.patch_tokenizer(tokenizer)
    return tokenizer


def patched_pipe(task: str, subject: Subject, model: Any) -> Pipe:
    made = make_pipe(task, subject, model)
    row = rows().get(subject.path.name)
    if row and row.patch_pipe:
        row.patch_pipe(made)
    return made


def pytest_configure() -> None:
    loading.load_model, loading.load_tokenizer = patched_model, patched_tokenizer
    loading.load_in_other_dtype = patched_copy
    pipe.make = patched_pipe
