"""A pytest plugin (`-p selftests.gallery.patches`) that puts a row's defect into what was loaded from its subject."""

from __future__ import annotations

from typing import Any

from fixtures.models import loading
from fixtures.models.loading import Loaded
from fixtures.pipelines import pipe
from fixtures.pipelines.pipe import Pipe
from fixtures.subjects.subject import Subject
from fixtures.subjects.variant import Variant
from selftests.gallery.harness import all_mutants

load_model, load_tokenizer, make_pipe = loading.load_model, loading.load_tokenizer, pipe.make


def model_with_defect(subject: Subject, variant: Variant, **more: Any) -> Loaded:
    loaded = load_model(subject, variant, **more)
    row = all_mutants().get(subject.path.name)
    if row and row.patch and variant.quantization == row.quantization:
        row.patch(loaded.model)
    return loaded


def tokenizer_with_defect(subject: Subject) -> Any:
    tokenizer = load_tokenizer(subject)
    row = all_mutants().get(subject.path.name)
    if row and row.patch_tokenizer:
        row.patch_tokenizer(tokenizer)
    return tokenizer


def pipe_with_defect(task: str, subject: Subject, model: Any) -> Pipe:
    made = make_pipe(task, subject, model)
    row = all_mutants().get(subject.path.name)
    if row and row.patch_pipe:
        row.patch_pipe(made)
    return made


def pytest_configure() -> None:
    loading.load_model, loading.load_tokenizer = model_with_defect, tokenizer_with_defect
    pipe.make = pipe_with_defect
