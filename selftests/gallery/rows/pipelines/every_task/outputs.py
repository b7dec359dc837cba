"""Defects of outputs that break the contract of their task."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fixtures.pipelines.pipe import Pipe
from selftests.gallery.edits.files import edit_json, edit_weights, unchanged
from selftests.gallery.edits.pipes import answering, changing_answers, processing
from selftests.gallery.registry import CLASSIFIER, mutant


@mutant(
    "nan-scores-name-nothing",
    "a head whose scores are NaN names nothing",
    number="PC06",
    source="own",
    base="tiny-token-classification",
    caught_by="pipelines/output-conforms",
    summary_contains=("logits", "NaN"),
)
def nan_scores_name_nothing(directory: Path) -> None:
    def edit(tensors: dict[str, Any]) -> dict[str, Any]:
        tensors["classifier.bias"][0] = float("nan")
        return tensors

    edit_weights(directory, edit)


@mutant(
    "mask-token-is-unknown",
    "the token for gaps is the one for unknown words",
    number="PC07",
    source="own",
    base="tiny-fill-mask",
    caught_by="pipelines/output-conforms",
    summary_contains=("tokenizer_config.json", "mask_token"),
)
def mask_token_is_unknown(directory: Path) -> None:
    edit_json(directory / "tokenizer_config.json", lambda data: data.update(mask_token=data["unk_token"]))


def _with_question(answer: Any) -> Any:
    """Repeats the question. The conversation is the caller's list or the library's object."""
    messages = getattr(answer["input_text"], "messages", answer["input_text"])
    question = messages[-1]["content"][-1]["text"]
    return {**answer, "generated_text": f"{question} {answer['generated_text']}"}


mutant(
    "question-repeated-in-answer",
    "the question comes back in the answer",
    number="PB04",
    source="own",
    base="tiny-image-text-to-text",
    caught_by="pipelines/output-conforms",
    summary_contains="only new text was asked for",
    patch_pipe=changing_answers(_with_question),
)(unchanged)


def one_word_late(answer: Any) -> Any:
    return {**answer, "start": answer["start"] + 1, "end": answer["end"] + 1} if "start" in answer else answer


mutant(
    "document-answer-word-late",
    "the position of an answer in a document is one word late",
    number="PB08",
    source="own",
    base="tiny-document-question-answering",
    caught_by="pipelines/output-conforms",
    summary_contains="the document has",
    patch_pipe=changing_answers(one_word_late),
)(unchanged)


def turned(answer: Any) -> Any:
    """Exchanges rows and columns."""
    return {**answer, "coordinates": [(column, row) for row, column in answer["coordinates"]]}


mutant(
    "table-cells-transposed",
    "the cells of a table are given by column and row",
    number="PB10",
    source="own",
    base="tiny-table-question-answering",
    caught_by="pipelines/output-conforms",
    summary_contains=("cell",),
    patch_pipe=changing_answers(turned),
)(unchanged)


def half_of_each_picture(pipe: Pipe) -> None:
    call = pipe.call

    def smaller(found: Any) -> Any:
        return [each[::2, ::2] for each in found] if isinstance(found, list) else found[::2, ::2]

    pipe.call = lambda inputs, **options: smaller(call(inputs, **options))


mutant(
    "drawn-image-other-size",
    "images have another size than the components declare",
    number="PB15",
    source="own",
    base="tiny-text-to-image",
    caught_by="pipelines/output-conforms",
    summary_contains="the components say",
    patch_pipe=half_of_each_picture,
)(unchanged)


mutant(
    "label-scores-not-normalised",
    "the scores of all labels do not sum up to one",
    number="PA33",
    source="own",
    base="tiny-zero-shot-image-classification",
    caught_by="pipelines/output-conforms",
    summary_contains=("sum up to", "not 1"),
    patch_pipe=answering(lambda found: [{**each, "score": each["score"] / 2} for each in found]),
)(unchanged)


@mutant(
    "image-features-overflow",
    "a layer of image features overflows",
    number="PV04",
    source="own",
    base="tiny-image-feature-extraction",
    caught_by="pipelines/output-conforms",
    summary_contains="NaN or infinite",
)
def image_features_overflow(directory: Path) -> None:
    def edit(tensors: dict[str, Any]) -> dict[str, Any]:
        tensors["layernorm.bias"][0] = float("nan")
        return tensors

    edit_weights(directory, edit)


@mutant(
    "classifier-logits-overflow",
    "the head of a classifier overflows",
    number="PI02",
    source="own",
    base=CLASSIFIER,
    caught_by="pipelines/output-conforms",
    summary_contains="NaN",
)
def classifier_logits_overflow(directory: Path) -> None:
    def edit(tensors: dict[str, Any]) -> dict[str, Any]:
        tensors["classifier.bias"][0] = float("nan")
        return tensors

    edit_weights(directory, edit)


def corner_and_size(found: Any) -> Any:
    """Returns a corner, width and height instead of two corners."""
    sides = [each["box"] for each in found]
    for box in sides:
        box |= {"xmax": box["xmax"] - box["xmin"], "ymax": box["ymax"] - box["ymin"]}
    return found


mutant(
    "boxes-as-corner-and-size",
    "boxes are a corner, a width and a height, not two corners",
    number="PA01",
    source="own",
    base="tiny-object-detection",
    caught_by="pipelines/output-conforms",
    summary_contains=("ends before it begins", "xmin, ymin, xmax, ymax"),
    patch_pipe=answering(corner_and_size),
)(unchanged)


def sizes_forgotten(post: Any) -> Any:
    return lambda outputs, threshold=0.5, target_sizes=None: post(outputs, threshold)


mutant(
    "boxes-relative",
    "boxes are relative to the size of the image",
    number="PA02",
    source="own",
    base="tiny-object-detection",
    caught_by="pipelines/output-conforms",
    summary_contains=("first pixel", "shares"),
    patch_pipe=processing("post_process_object_detection", sizes_forgotten),
)(unchanged)


def masks_as_small_as_logits(post: Any) -> Any:
    return lambda outputs, target_sizes=None: post(outputs)


mutant(
    "masks-at-logit-size",
    "masks are as small as the logits",
    number="PA07",
    source="own",
    base="tiny-image-segmentation",
    caught_by="pipelines/output-conforms",
    summary_contains=("a mask is 16 x 16 pixels", "48 x 40"),
    patch_pipe=processing("post_process_semantic_segmentation", masks_as_small_as_logits),
)(unchanged)


def shown_inverted(answer: Any) -> Any:
    from PIL import ImageOps

    return {**answer, "depth": ImageOps.invert(answer["depth"])}


mutant(
    "depth-image-negative",
    "the image of the depth is a negative of the numbers",
    number="PA12",
    source="own",
    base="tiny-depth-estimation",
    caught_by="pipelines/output-conforms",
    summary_contains="does not show it",
    patch_pipe=answering(shown_inverted),
)(unchanged)


mutant(
    "depth-not-resized",
    "the depth is not resized to the image",
    number="PA13",
    source="own",
    base="tiny-depth-estimation",
    caught_by="pipelines/output-conforms",
    summary_contains=("the depth has the shape", "40 high and 48 wide"),
    patch_pipe=processing("post_process_depth_estimation", lambda post: lambda outputs, sizes=None: post(outputs)),
)(unchanged)


def half_as_large(made: Any) -> Any:
    return made.resize((made.size[0] // 2, made.size[1] // 2))


mutant(
    "upscaled-image-not-larger",
    "an enlarged image has its old size",
    number="PA16",
    source="own",
    base="tiny-image-to-image",
    caught_by="pipelines/output-conforms",
    summary_contains="2 times the original",
    patch_pipe=answering(half_as_large),
)(unchanged)


def other_rate(pipe: Pipe) -> None:
    pipe.library.sampling_rate = 22050


mutant(
    "speech-output-rate-wrong",
    "a voice comes with another rate than its config says",
    number="P12",
    source="own",
    base="tiny-text-to-audio",
    caught_by="pipelines/output-conforms",
    summary_contains=("rate of 22050", "config says 16000"),
    patch_pipe=other_rate,
)(unchanged)


@mutant(
    "speech-output-overflow",
    "the last layer of a voice overflows",
    number="PV10",
    source="own",
    base="tiny-text-to-audio",
    caught_by="pipelines/output-conforms",
    summary_contains="NaN or infinite",
)
def speech_output_overflow(directory: Path) -> None:
    def edit(tensors: dict[str, Any]) -> dict[str, Any]:
        tensors["decoder.conv_post.weight"][...] = float("nan")
        return tensors

    edit_weights(directory, edit)


def keeps_special_tokens(tokenizer: Any) -> None:
    decode = tokenizer.decode

    def whole(token_ids: Any, skip_special_tokens: bool = False, **options: Any) -> Any:
        return decode(token_ids=token_ids, skip_special_tokens=False, **options)

    tokenizer.decode = whole


mutant(
    "special-tokens-in-output",
    "special tokens are left in what a model writes",
    number="PB20",
    source="own",
    base="tiny-text2text-generation",
    caught_by="pipelines/output-conforms",
    summary_contains="special token",
    patch_tokenizer=keeps_special_tokens,
)(unchanged)
