"""Defects in how pipelines are built and called: inputs, batches, limits, saving."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fixtures.pipelines.pipe import Pipe
from selftests.gallery.edits.files import edit_weights, set_keys, unchanged
from selftests.gallery.edits.tensors import store_as
from selftests.gallery.registry import CLASSIFIER, healthy, mutant

SETTINGS = "preprocessor_config.json"


def answers_anything(pipe: Pipe) -> None:
    call = pipe.call

    def changed(inputs: Any, **options: Any) -> Any:
        fine = isinstance(inputs, (str, Mapping, Iterable)) and not isinstance(inputs, bytes)
        return call(inputs, **options) if fine else [{"label": "POSITIVE", "score": 1.5}]

    pipe.call = changed


mutant(
    "non-text-accepted",
    "what is no text is answered all the same",
    number="PI07",
    source="own",
    base=CLASSIFIER,
    caught_by="pipelines/bad-input-is-refused",
    summary_contains="gets an answer",
    patch_pipe=answers_anything,
)(unchanged)


def without_mask(model: Any) -> None:
    forward = model.forward
    model.forward = lambda *args, attention_mask=None, **options: forward(*args, **options)


mutant(
    "batch-padding-attended",
    "padding is attended to in a batch",
    number="PI03",
    source="huggingface/transformers#19067",
    base=CLASSIFIER,
    caught_by="pipelines/batch-equals-single",
    summary_contains="in a batch",
    patch=without_mask,
)(unchanged)


mutant(
    "batch-padding-heard",
    "the padding of short audio changes the answer in a batch",
    number="PV07",
    source="own",
    base="tiny-audio-classification",
    caught_by="pipelines/batch-equals-single",
    summary_contains="in a batch",
    patch=without_mask,
)(unchanged)


def leaves_dropout_on(model: Any) -> None:
    """Sets a rate at which two answers never agree by chance."""
    model.train()
    for module in model.modules():
        if type(module).__name__ == "Dropout":
            module.p = 0.5


mutant(
    "pipeline-dropout-on",
    "dropout is left on",
    number="PI06",
    source="own",
    base=CLASSIFIER,
    caught_by="pipelines/calls-repeat",
    summary_contains="asked again",
    patch=leaves_dropout_on,
)(unchanged)


def reads_everything(pipe: Pipe) -> None:
    call = pipe.call
    pipe.call = lambda inputs, **options: call(list(inputs) if isinstance(inputs, Iterator) else inputs, **options)


mutant(
    "generator-read-to-end",
    "a generator is read to its end before the first answer",
    number="PI05",
    source="own",
    base=CLASSIFIER,
    caught_by="pipelines/generators-are-lazy",
    summary_contains="were read",
    patch_pipe=reads_everything,
)(unchanged)


def lower_case_in_tables(pipe: Pipe) -> None:
    call = pipe.call

    def changed(inputs: Any, **options: Any) -> Any:
        return call(inputs["text"][:8] if isinstance(inputs, Mapping) else inputs, **options)

    pipe.call = changed


mutant(
    "dict-input-cut",
    "one form of an input is cut on its way",
    number="PI04",
    source="own",
    base=CLASSIFIER,
    caught_by="pipelines/input-forms-agree",
    summary_contains="as dict",
    patch_pipe=lower_case_in_tables,
)(unchanged)


@mutant(
    "token-classifier-without-limit",
    "a token classifier's tokenizer does not know the model's limit",
    number="PC05",
    source="own",
    base="tiny-token-classification",
    caught_by="pipelines/long-input-is-told",
    severity="hazard",
    summary_contains="does not know the limit",
)
def token_classifier_without_limit(directory: Path) -> None:
    set_keys(directory / "tokenizer_config.json", model_max_length=10**30)


@mutant(
    "fill-mask-without-limit",
    "the tokenizer of a model that fills gaps does not know the model's limit",
    number="PC08",
    source="own",
    base="tiny-fill-mask",
    caught_by="pipelines/long-input-is-told",
    severity="hazard",
    summary_contains=("fill-mask", "does not know the limit"),
)
def fill_mask_without_limit(directory: Path) -> None:
    set_keys(directory / "tokenizer_config.json", model_max_length=10**30)


@mutant(
    "text-classifier-without-limit",
    "truncation does not know the model's limit",
    number="PI08",
    source="vistec-AI/thai2transformers#73",
    base=CLASSIFIER,
    caught_by="pipelines/long-input-is-told",
    severity="hazard",
    summary_contains="does not know the limit",
)
def text_classifier_without_limit(directory: Path) -> None:
    set_keys(directory / "tokenizer_config.json", model_max_length=10**30)


def keeps_a_layer(model: Any) -> None:
    """Changes a model in bfloat16 only."""
    if str(model.dtype) == "torch.bfloat16":
        model.classifier.float()


mutant(
    "one-layer-other-dtype",
    "one layer has another dtype than was asked for",
    number="PB31",
    source="own",
    base=CLASSIFIER,
    caught_by="pipelines/other-precision-runs",
    summary_contains=("asked for in bfloat16", "classifier.weight", "torch.float32"),
    patch=keeps_a_layer,
)(unchanged)


def wants_float32(model: Any) -> None:
    forward = model.forward

    def checked(*args: Any, **options: Any) -> Any:
        if str(model.dtype) != "torch.float32":
            raise RuntimeError("mat1 and mat2 must have the same dtype, but got Float and BFloat16")
        return forward(*args, **options)

    model.forward = checked


mutant(
    "only-float32-runs",
    "a model runs in float32 only",
    number="PB32",
    source="own",
    base=CLASSIFIER,
    caught_by="pipelines/other-precision-runs",
    severity="hazard",
    summary_contains=("in bfloat16", "same dtype"),
    patch=wants_float32,
)(unchanged)


@mutant(
    "classifier-head-missing",
    "the head of a classifier is not in the checkpoint",
    number="PC01",
    source="own",
    base="tiny-image-classification",
    caught_by="pipelines/pipeline-runs",
    summary_contains=("randomly initialised", "classifier.weight"),
)
def classifier_head_missing(directory: Path) -> None:
    def edit(tensors: dict[str, Any]) -> dict[str, Any]:
        return {name: each for name, each in tensors.items() if not name.startswith("classifier")}

    edit_weights(directory, edit)


@mutant(
    "image-std-zero",
    "the standard deviation of an image channel is 0",
    number="PC02",
    source="own",
    base="tiny-image-classification",
    caught_by="pipelines/pipeline-runs",
    summary_contains=("preprocessor_config.json", "0 in image_std"),
)
def image_std_zero(directory: Path) -> None:
    set_keys(directory / SETTINGS, image_std=[0, 0, 0])


@mutant(
    "image-token-count-mismatch",
    "processor and model count different numbers of tokens for an image",
    number="PB01",
    source="huggingface/transformers#36095",
    base="tiny-image-text-to-text",
    caught_by="pipelines/pipeline-runs",
    summary_contains=("image-text-to-text", "tokens"),
)
def image_token_count_mismatch(directory: Path) -> None:
    set_keys(directory / "processor_config.json", num_additional_image_tokens=3)


@mutant(
    "image-patch-size-mismatch",
    "the processor's patches have another size than the model's",
    number="PB02",
    source="own",
    base="tiny-image-text-to-text",
    caught_by="pipelines/pipeline-runs",
    summary_contains=("image-text-to-text", "tokens"),
)
def image_patch_size_mismatch(directory: Path) -> None:
    set_keys(directory / "processor_config.json", patch_size=16)


@mutant(
    "classifier-without-tokenizer",
    "a classifier is published without its tokenizer",
    number="PI01",
    source="own",
    base=CLASSIFIER,
    caught_by="pipelines/pipeline-runs",
    summary_contains=("text-classification", "tokenizer"),
)
def classifier_without_tokenizer(directory: Path) -> None:
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        (directory / name).unlink()


def scaled_outside_the_weights(model: Any) -> None:
    model.classifier.register_forward_hook(lambda module, inputs, output: 2 * output)


mutant(
    "pipeline-save-loses-part",
    "a part of the model is not in what it saves",
    number="PI09",
    source="huggingface/transformers#48075",
    base=CLASSIFIER,
    caught_by="pipelines/saved-pipeline-agrees",
    summary_contains="saved and loaded again",
    patch=scaled_outside_the_weights,
)(unchanged)


@healthy(
    "half-precision-classifier",
    "a classifier is stored in half precision",
    base=CLASSIFIER,
    check="pipelines/batch-equals-single",
)
def half_precision_classifier(directory: Path) -> None:
    store_as(directory, "float16")
