"""A pytest plugin (`-p selftests.gallery.patches`) that puts a row's defect into the model after it was loaded."""

from __future__ import annotations

from fixtures.subjects import loading
from fixtures.subjects.loading import Loaded
from fixtures.subjects.subject import Subject
from fixtures.subjects.variant import Variant
from selftests.gallery.harness import all_mutants

load_model = loading.load_model


def load_with_defect(subject: Subject, variant: Variant) -> Loaded:
    loaded = load_model(subject, variant)
    row = all_mutants().get(subject.path.name)
    if row and row.patch:
        row.patch(loaded.model)
    return loaded


def pytest_configure() -> None:
    loading.load_model = load_with_defect
