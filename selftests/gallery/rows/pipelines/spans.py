"""Defects of pipelines that find spans of text."""

from __future__ import annotations

from typing import Any

from fixtures.pipelines.pipe import Pipe
from selftests.gallery.edits.files import unchanged
from selftests.gallery.registry import mutant


def counts_from_the_window(pipe: Pipe) -> None:
    call = pipe.call

    def changed(inputs: Any, **options: Any) -> Any:
        answer = call(inputs, **options)
        far = isinstance(answer, dict) and answer["start"] > 100
        return {**answer, "start": answer["start"] - 100, "end": answer["end"] - 100} if far else answer

    pipe.call = changed


mutant(
    "answer-offset-from-window",
    "the answer's position counts from its window",
    number="P05",
    source="huggingface/transformers#5711",
    base="tiny-question-answering",
    caught_by="pipelines/long-contexts-are-read",
    summary_contains="not what the context has",
    patch_pipe=counts_from_the_window,
)(unchanged)


def drop_first_letters(pipe: Pipe) -> None:
    call = pipe.call

    def cut(found: Any) -> Any:
        if isinstance(found, list):
            return [cut(each) for each in found]
        return {**found, "start": found["start"] + 1} if isinstance(found, dict) else found

    pipe.call = lambda inputs, **options: cut(call(inputs, **options))


mutant(
    "entity-cuts-word",
    "names are cut out of words",
    number="P03",
    source="huggingface/transformers#18111",
    base="tiny-token-classification",
    caught_by="pipelines/names-keep-words",
    summary_contains=("strategy", "cut out of a word"),
    patch_pipe=drop_first_letters,
)(unchanged)


def counts_in_windows(pipe: Pipe) -> None:
    call = pipe.call

    def changed(inputs: Any, **options: Any) -> Any:
        found = call(inputs, **options)
        return found + found[:1] if "stride" in options else found

    pipe.call = changed


mutant(
    "entity-at-seam-twice",
    "a name at a seam of two windows is reported twice",
    number="PI11",
    source="own",
    base="tiny-token-classification",
    caught_by="pipelines/windows-agree",
    summary_contains="overlaps",
    patch_pipe=counts_in_windows,
)(unchanged)
