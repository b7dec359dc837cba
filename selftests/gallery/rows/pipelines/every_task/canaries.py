"""Defects that show in the answer to a canary, an input with a known answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits.files import edit_json, edit_tokenizer, edit_weights, set_keys, unchanged
from selftests.gallery.edits.pipes import answering
from selftests.gallery.registry import CLASSIFIER, healthy, mutant

SETTINGS = "preprocessor_config.json"


@mutant(
    "chat-image-red-blue",
    "red and blue are exchanged on their way to a chat model",
    number="PB03",
    source="own",
    base="tiny-image-text-to-text",
    caught_by="pipelines/canaries",
    summary_contains="known answer",
)
def chat_image_red_blue(directory: Path) -> None:
    def edit(tensors: dict[str, Any]) -> dict[str, Any]:
        name = next(name for name in tensors if name.endswith("patch_embedding.weight"))
        tensors[name] = tensors[name][:, [2, 1, 0]].contiguous()
        return tensors

    edit_weights(directory, edit)


@mutant(
    "caption-token-ids-exchanged",
    "two words of a writer of captions have each other's ids",
    number="PB06",
    source="own",
    base="tiny-image-to-text",
    caught_by="pipelines/canaries",
    summary_contains="known answer",
)
def caption_token_ids_exchanged(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        words = data["model"]["vocab"]
        words["disc"], words["ring"] = words["ring"], words["disc"]

    edit_tokenizer(directory, change)
    path = directory / "vocab.txt"
    lines = path.read_text(encoding="utf-8").splitlines()
    exchanged = {"disc": "ring", "ring": "disc"}
    path.write_text("".join(f"{exchanged.get(line, line)}\n" for line in lines), encoding="utf-8")


@mutant(
    "visual-answers-reordered",
    "the answers about an image are in another order in the config",
    number="PB07",
    source="own",
    base="tiny-visual-question-answering",
    caught_by="pipelines/canaries",
    summary_contains="known answer",
)
def visual_answers_reordered(directory: Path) -> None:
    names = ("green", "red", "blue", "ring", "disc")
    ids = {"id2label": dict(enumerate(names)), "label2id": {name: index for index, name in enumerate(names)}}
    set_keys(directory / "config.json", **ids)


@mutant(
    "document-span-ends-exchanged",
    "the start and the end of a document's answers are exchanged in the head",
    number="PB09",
    source="own",
    base="tiny-document-question-answering",
    caught_by="pipelines/canaries",
    summary_contains="known answer",
)
def document_span_ends_exchanged(directory: Path) -> None:
    def edit(tensors: dict[str, Any]) -> dict[str, Any]:
        tensors["qa_outputs.weight"] = -tensors["qa_outputs.weight"]
        return tensors

    edit_weights(directory, edit)


@mutant(
    "table-aggregators-reordered",
    "the aggregators of a table's answers are in another order in the config",
    number="PB11",
    source="own",
    base="tiny-table-question-answering",
    caught_by="pipelines/canaries",
    summary_contains="known answer",
)
def table_aggregators_reordered(directory: Path) -> None:
    names = {"0": "NONE", "1": "COUNT", "2": "AVERAGE", "3": "SUM"}
    set_keys(directory / "config.json", aggregation_labels=names)


@mutant(
    "decision-options-exchanged",
    "yes and no of a model that decides are exchanged",
    number="PB12",
    source="own",
    base="tiny-decision",
    caught_by="pipelines/canaries",
    summary_contains="known answer",
    since="5.23",
)
def decision_options_exchanged(directory: Path) -> None:
    set_keys(directory / "decision.json", noul_options=["true", "false"])


@mutant(
    "decision-offsets-wrong",
    "a model that decides reads the scores of another type of question",
    number="PB13",
    source="own",
    base="tiny-decision",
    caught_by="pipelines/canaries",
    summary_contains="known answer",
    since="5.23",
)
def decision_offsets_wrong(directory: Path) -> None:
    set_keys(directory / "config.json", offsets={"noul": 3, "score": 0, "choice": 4})


@mutant(
    "audio-frequencies-cut",
    "audio is cut off above a frequency of another training",
    number="PA34",
    source="own",
    base="tiny-zero-shot-audio-classification",
    caught_by="pipelines/canaries",
    summary_contains="known answer",
)
def audio_frequencies_cut(directory: Path) -> None:
    set_keys(directory / "preprocessor_config.json", frequency_max=1000)


@mutant(
    "video-labels-mirrored",
    "left and right are exchanged in a video model's labels",
    number="PA38",
    source="own",
    base="tiny-video-classification",
    caught_by="pipelines/canaries",
    summary_contains="known answer",
)
def video_labels_mirrored(directory: Path) -> None:
    labels = ("left", "right", "down", "up")
    names = {str(number): label for number, label in enumerate(labels)}
    set_keys(directory / "config.json", id2label=names, label2id={label: int(each) for each, label in names.items()})


@mutant(
    "image-mean-wrong",
    "the mean and the spread are those of another training",
    number="PV03",
    source="own",
    base="tiny-image-classification",
    caught_by="pipelines/canaries",
    summary_contains="known answer",
)
def image_mean_wrong(directory: Path) -> None:
    set_keys(directory / SETTINGS, image_mean=[0.95, 0.95, 0.95], image_std=[0.05, 0.05, 0.05])


@mutant(
    "sentiment-labels-swapped",
    "the labels are swapped in both maps",
    number="PI10",
    source="huggingface/transformers#3093",
    base=CLASSIFIER,
    caught_by="pipelines/canaries",
    summary_contains="known answer",
)
def sentiment_labels_swapped(directory: Path) -> None:
    names = {"id2label": {"0": "POSITIVE", "1": "NEGATIVE"}, "label2id": {"POSITIVE": 0, "NEGATIVE": 1}}
    set_keys(directory / "config.json", **names)


@mutant(
    "detection-labels-shifted",
    "labels are shifted by one: 'no object' was counted as the first",
    number="PA04",
    source="own",
    base="tiny-object-detection",
    caught_by="pipelines/canaries",
    summary_contains="known answer",
)
def detection_labels_shifted(directory: Path) -> None:
    labels = ("blue disc", "red disc", "green disc")
    names = {str(number): label for number, label in enumerate(labels)}
    set_keys(directory / "config.json", id2label=names, label2id={label: int(each) for each, label in names.items()})


def near_for_far(model: Any) -> None:
    forward = model.forward

    def changed(*given: Any, **options: Any) -> Any:
        output = forward(*given, **options)
        output["predicted_depth"] = 5 - output.predicted_depth
        return output

    model.forward = changed


mutant(
    "depth-reversed",
    "near and far are exchanged",
    number="PA11",
    source="own",
    base="tiny-depth-estimation",
    caught_by="pipelines/canaries",
    summary_contains="known answer",
    patch=near_for_far,
)(unchanged)


@mutant(
    "upscaled-image-black",
    "an image to be enlarged is divided by 255 twice and becomes black",
    number="PA17",
    source="own",
    base="tiny-image-to-image",
    caught_by="pipelines/canaries",
    summary_contains="known answer",
)
def upscaled_image_black(directory: Path) -> None:
    set_keys(directory / SETTINGS, rescale_factor=1 / 255**2)


def names_exchanged(found: Any) -> Any:
    other = {"red disc": "blue disc", "blue disc": "red disc"}
    return [{**each, "label": other.get(each["label"], each["label"])} for each in found]


mutant(
    "zero-shot-boxes-mislabelled",
    "boxes go with the labels of other questions",
    number="PA18",
    source="own",
    base="tiny-zero-shot-object-detection",
    caught_by="pipelines/canaries",
    summary_contains="known answer",
    patch_pipe=answering(names_exchanged),
)(unchanged)


@mutant(
    "audio-rate-misdeclared",
    "the feature extractor says another rate than that of training",
    number="PV05",
    source="own",
    base="tiny-audio-classification",
    caught_by="pipelines/canaries",
    summary_contains="known answer",
)
def audio_rate_misdeclared(directory: Path) -> None:
    set_keys(directory / SETTINGS, sampling_rate=8000)


@mutant(
    "speech-letters-reordered",
    "the letters of a speech model are in another order",
    number="PV09",
    source="own",
    base="tiny-automatic-speech-recognition",
    caught_by="pipelines/canaries",
    summary_contains="known answer",
)
def speech_letters_reordered(directory: Path) -> None:
    set_keys(directory / "vocab.json", a=6, e=5)


@mutant(
    "summary-first-token-forced",
    "the first token of every summary is forced to be another than in training",
    number="PB21",
    source="own",
    base="tiny-text2text-generation",
    caught_by="pipelines/canaries",
    summary_contains="known answer",
)
def summary_first_token_forced(directory: Path) -> None:
    set_keys(directory / "generation_config.json", forced_bos_token_id=2)


@mutant(
    "translation-language-id-wrong",
    "the token of one language has the id of another",
    number="PB22",
    source="own",
    base="tiny-translation",
    caught_by="pipelines/canaries",
    summary_contains=("translation", "known answer"),
)
def translation_language_id_wrong(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        swap = {"deu_Latn": "fra_Latn", "fra_Latn": "deu_Latn"}
        vocabulary = data["model"]["vocab"]
        ids = {name: vocabulary[other] for name, other in swap.items()}
        vocabulary.update(ids)
        for token in data["added_tokens"]:
            token["id"] = ids.get(token["content"], token["id"])
        data["added_tokens"].sort(key=lambda token: token["id"])

    edit_tokenizer(directory, change)


@healthy(
    "label-maps-in-reverse-order",
    "the entries of id2label and label2id are written from the last to the first",
    base=CLASSIFIER,
    check="pipelines/canaries",
)
def label_maps_in_reverse_order(directory: Path) -> None:
    def change(config: dict[str, Any]) -> None:
        config.update({key: dict(reversed(config[key].items())) for key in ("id2label", "label2id")})

    edit_json(directory / "config.json", change)
