"""Rows about what an acceptance test of the pipelines found untold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits import edit_json, edit_weights, set_keys
from selftests.gallery.registry import mutant

PICTURES, NAMES, SPEECH = "tiny-image-classification", "tiny-token-classification", "tiny-automatic-speech-recognition"
MASK = "tiny-fill-mask"
SETTINGS = "preprocessor_config.json"


@mutant(
    "PC01",
    "the head of a classifier is not in the checkpoint",
    source="own",
    base=PICTURES,
    caught_by="pipelines/pipeline-runs",
    naming=("made up at random", "classifier.weight"),
)
def no_head(directory: Path) -> None:
    def edit(tensors: dict[str, Any]) -> dict[str, Any]:
        return {name: each for name, each in tensors.items() if not name.startswith("classifier")}

    edit_weights(directory, edit)


@mutant(
    "PC02",
    "the spread of a picture's channels is 0",
    source="own",
    base=PICTURES,
    caught_by="pipelines/pipeline-runs",
    naming=("preprocessor_config.json", "0 in image_std"),
)
def no_spread(directory: Path) -> None:
    set_keys(directory / SETTINGS, image_std=[0, 0, 0])


@mutant(
    "PC03",
    "mean and spread are those of levels up to 255, beside a rescaling to 1",
    source="own",
    base=PICTURES,
    caught_by="pipelines/image-range",
    naming=("black and white", "image_std"),
)
def scaled_twice(directory: Path) -> None:
    set_keys(directory / SETTINGS, image_mean=[127.5] * 3, image_std=[127.5] * 3)


@mutant(
    "PC04",
    "a speech model's feature extractor hears at the rate of telephones",
    source="own",
    base=SPEECH,
    caught_by="pipelines/rate-of-the-family",
    severity="hazard",
    naming=("sampling_rate", "8000", "16000"),
)
def telephone(directory: Path) -> None:
    set_keys(directory / SETTINGS, sampling_rate=8000)


@mutant(
    "PC05",
    "a token classifier's tokenizer does not know the model's limit",
    source="own",
    base=NAMES,
    caught_by="pipelines/long-input-is-told",
    severity="hazard",
    naming="does not know the limit",
)
def no_limit(directory: Path) -> None:
    set_keys(directory / "tokenizer_config.json", model_max_length=10**30)


@mutant(
    "PC06",
    "a head whose scores are NaN names nothing",
    source="own",
    base=NAMES,
    caught_by="pipelines/output-conforms",
    naming=("logits", "NaN"),
)
def nothing_named(directory: Path) -> None:
    def edit(tensors: dict[str, Any]) -> dict[str, Any]:
        tensors["classifier.bias"][0] = float("nan")
        return tensors

    edit_weights(directory, edit)


@mutant(
    "PC07",
    "the token for gaps is the one for unknown words",
    source="own",
    base=MASK,
    caught_by="pipelines/output-conforms",
    naming=("tokenizer_config.json", "mask_token"),
)
def unknown_gap(directory: Path) -> None:
    edit_json(directory / "tokenizer_config.json", lambda data: data.update(mask_token=data["unk_token"]))


@mutant(
    "PC08",
    "the tokenizer of a model that fills gaps does not know the model's limit",
    source="own",
    base=MASK,
    caught_by="pipelines/long-input-is-told",
    severity="hazard",
    naming=("fill-mask", "does not know the limit"),
)
def no_limit_of_gaps(directory: Path) -> None:
    set_keys(directory / "tokenizer_config.json", model_max_length=10**30)
