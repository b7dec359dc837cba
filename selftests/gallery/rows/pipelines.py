"""Rows about pipelines of every task."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fixtures.pipelines.pipe import Pipe
from selftests.gallery.edits import edit_weights, set_keys
from selftests.gallery.registry import CLASSIFIER, mutant

NAMES, ANSWERS = "tiny-token-classification", "tiny-question-answering"


def unchanged(directory: Path) -> None:
    """The defect is put into what was loaded."""


@mutant(
    "PI01",
    "a classifier is published without its tokenizer",
    source="own",
    base=CLASSIFIER,
    caught_by="pipelines/pipeline-runs",
    naming=("text-classification", "tokenizer"),
)
def no_tokenizer(directory: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        (directory / name).unlink()


@mutant(
    "PI02",
    "the head of a classifier overflows",
    source="own",
    base=CLASSIFIER,
    caught_by="pipelines/output-conforms",
    naming="NaN",
)
def broken_head(directory: Path) -> None:
    def edit(tensors: dict[str, Any]) -> dict[str, Any]:
        tensors["classifier.bias"][0] = float("nan")
        return tensors

    edit_weights(directory, edit)


def without_mask(model: Any) -> None:
    forward = model.forward
    model.forward = lambda *args, attention_mask=None, **options: forward(*args, **options)


mutant(
    "PI03",
    "padding is attended to in a batch",
    source="huggingface/transformers#19067",
    base=CLASSIFIER,
    caught_by="pipelines/batch-equals-single",
    naming="in a batch",
    patch=without_mask,
)(unchanged)


def lower_case_in_tables(pipe: Pipe) -> None:
    call = pipe.call

    def changed(inputs: Any, **options: Any) -> Any:
        return call(inputs["text"][:8] if isinstance(inputs, Mapping) else inputs, **options)

    pipe.call = changed


mutant(
    "PI04",
    "one form of an input is cut on its way",
    source="own",
    base=CLASSIFIER,
    caught_by="pipelines/input-forms-agree",
    naming="as dict",
    patch_pipe=lower_case_in_tables,
)(unchanged)


def reads_everything(pipe: Pipe) -> None:
    call = pipe.call
    pipe.call = lambda inputs, **options: call(list(inputs) if isinstance(inputs, Iterator) else inputs, **options)


mutant(
    "PI05",
    "a generator is read to its end before the first answer",
    source="own",
    base=CLASSIFIER,
    caught_by="pipelines/generators-are-lazy",
    naming="were read",
    patch_pipe=reads_everything,
)(unchanged)


def leaves_dropout_on(model: Any) -> None:
    """At a rate that no two answers have by chance in common."""
    model.train()
    for module in model.modules():
        if type(module).__name__ == "Dropout":
            module.p = 0.5


mutant(
    "PI06",
    "dropout is left on",
    source="own",
    base=CLASSIFIER,
    caught_by="pipelines/calls-repeat",
    naming="asked again",
    patch=leaves_dropout_on,
)(unchanged)


def answers_anything(pipe: Pipe) -> None:
    call = pipe.call

    def changed(inputs: Any, **options: Any) -> Any:
        fine = isinstance(inputs, (str, Mapping, Iterable)) and not isinstance(inputs, bytes)
        return call(inputs, **options) if fine else [{"label": "POSITIVE", "score": 1.5}]

    pipe.call = changed


mutant(
    "PI07",
    "what is no text is answered all the same",
    source="own",
    base=CLASSIFIER,
    caught_by="pipelines/bad-input-is-refused",
    naming="gets an answer",
    patch_pipe=answers_anything,
)(unchanged)


@mutant(
    "PI08",
    "truncation does not know the model's limit",
    source="vistec-AI/thai2transformers#73",
    base=CLASSIFIER,
    caught_by="pipelines/long-input-is-told",
    severity="hazard",
    naming="does not know the limit",
)
def no_limit(directory: Path) -> None:
    set_keys(directory / "tokenizer_config.json", model_max_length=10**30)


def scaled_beside_the_weights(model: Any) -> None:
    model.classifier.register_forward_hook(lambda module, inputs, output: 2 * output)


mutant(
    "PI09",
    "a part of the model is not in what it saves",
    source="huggingface/transformers#48075",
    base=CLASSIFIER,
    caught_by="pipelines/saved-pipeline-agrees",
    naming="saved and loaded again",
    patch=scaled_beside_the_weights,
)(unchanged)


@mutant(
    "PI10",
    "the labels are swapped in both maps",
    source="huggingface/transformers#3093",
    base=CLASSIFIER,
    caught_by="pipelines/canaries",
    naming="known answer",
)
def swapped_labels(directory: Path) -> None:
    names = {"id2label": {"0": "POSITIVE", "1": "NEGATIVE"}, "label2id": {"POSITIVE": 0, "NEGATIVE": 1}}
    set_keys(directory / "config.json", **names)


def drop_first_letters(pipe: Pipe) -> None:
    call = pipe.call

    def cut(found: Any) -> Any:
        if isinstance(found, list):
            return [cut(each) for each in found]
        return {**found, "start": found["start"] + 1} if isinstance(found, dict) else found

    pipe.call = lambda inputs, **options: cut(call(inputs, **options))


mutant(
    "P03",
    "names are cut out of words",
    source="huggingface/transformers#18111",
    base=NAMES,
    caught_by="pipelines/names-keep-words",
    naming=("strategy", "cut out of a word"),
    patch_pipe=drop_first_letters,
)(unchanged)


def counts_in_windows(pipe: Pipe) -> None:
    call = pipe.call

    def changed(inputs: Any, **options: Any) -> Any:
        found = call(inputs, **options)
        return found + found[:1] if "stride" in options else found

    pipe.call = changed


mutant(
    "PI11",
    "a name at a seam of two windows is told twice",
    source="own",
    base=NAMES,
    caught_by="pipelines/windows-agree",
    naming="overlaps",
    patch_pipe=counts_in_windows,
)(unchanged)


def counts_from_the_window(pipe: Pipe) -> None:
    call = pipe.call

    def changed(inputs: Any, **options: Any) -> Any:
        answer = call(inputs, **options)
        far = isinstance(answer, dict) and answer["start"] > 100
        return {**answer, "start": answer["start"] - 100, "end": answer["end"] - 100} if far else answer

    pipe.call = changed


mutant(
    "P05",
    "the answer's place counts from its window",
    source="huggingface/transformers#5711",
    base=ANSWERS,
    caught_by="pipelines/long-contexts-are-read",
    naming="not what the context has",
    patch_pipe=counts_from_the_window,
)(unchanged)
