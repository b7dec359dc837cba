"""A pytest plugin (`-p selftests.gallery.patches`) that puts a row's defect into what was loaded from its subject."""

from __future__ import annotations

from typing import Any

from fixtures.subjects import loading
from fixtures.subjects.loading import Loaded
from fixtures.subjects.subject import Subject
from fixtures.subjects.variant import Variant
from selftests.gallery.harness import all_mutants

load_model, load_tokenizer = loading.load_model, loading.load_tokenizer


def model_with_defect(subject: Subject, variant: Variant) -> Loaded:
    loaded = load_model(subject, variant)
    row = all_mutants().get(subject.path.name)
    if row and row.patch:
        row.patch(loaded.model)
    return loaded


def tokenizer_with_defect(subject: Subject) -> Any:
    tokenizer = load_tokenizer(subject)
    row = all_mutants().get(subject.path.name)
    if row and row.patch_tokenizer:
        row.patch_tokenizer(tokenizer)
    return tokenizer


def pytest_configure() -> None:
    loading.load_model, loading.load_tokenizer = model_with_defect, tokenizer_with_defect
