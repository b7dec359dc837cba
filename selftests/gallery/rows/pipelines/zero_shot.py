"""Defects of zero-shot pipelines, whose labels the caller names."""

from __future__ import annotations

from typing import Any

from fixtures.pipelines.pipe import Pipe
from selftests.gallery.edits.files import unchanged
from selftests.gallery.edits.pipes import preprocessing
from selftests.gallery.registry import mutant


def scores_by_place(pipe: Pipe) -> None:
    """Gives the best score to the first label."""
    call = pipe.call

    def changed(inputs: Any, *, candidate_labels: Any, **options: Any) -> Any:
        found = call(inputs, candidate_labels=candidate_labels, **options)
        if not isinstance(found, list) or isinstance(found[0], list):
            return found
        return [{**each, "label": label} for each, label in zip(found, candidate_labels, strict=True)]

    pipe.call = changed


mutant(
    "scores-by-label-position",
    "scores follow the positions of labels",
    number="PA32",
    source="own",
    base="tiny-zero-shot-image-classification",
    caught_by="pipelines/labels-in-any-order",
    summary_contains="scores follow positions",
    patch_pipe=scores_by_place,
)(unchanged)


def template_ignored(prepare: Any) -> Any:
    return lambda given, hypothesis_template="", **options: prepare(given, hypothesis_template="{}", **options)


mutant(
    "image-hypothesis-template-ignored",
    "the hypothesis template is ignored",
    number="PA30",
    source="own",
    base="tiny-zero-shot-image-classification",
    caught_by="pipelines/template-is-used",
    summary_contains="template is not used as given",
    patch_pipe=preprocessing(template_ignored),
)(unchanged)


mutant(
    "audio-hypothesis-template-ignored",
    "the hypothesis template is ignored for audio",
    number="PA31",
    source="own",
    base="tiny-zero-shot-audio-classification",
    caught_by="pipelines/template-is-used",
    summary_contains="template is not used as given",
    patch_pipe=preprocessing(template_ignored),
)(unchanged)
