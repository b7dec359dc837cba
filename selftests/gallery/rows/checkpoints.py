"""Rows about weights, configuration and generation settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits import edit_weights, set_keys
from selftests.gallery.registry import CHAT, CLASSIFIER, mutant

LAYER = "model.layers.1.mlp.up_proj.weight"


@mutant(
    "G02",
    "sampling settings beside greedy decoding",
    source="huggingface/transformers#29988",
    base=CHAT,
    caught_by="integrity/generation-config-valid",
    severity="hazard",
    naming="temperature",
)
def sampling_without_sampling(directory: Path) -> None:
    set_keys(directory / "generation_config.json", do_sample=False, temperature=0.7, top_p=0.9)


@mutant(
    "S20",
    "generation_config.json is cut and silently ignored",
    source="own",
    base=CHAT,
    caught_by="integrity/generation-config-valid",
    naming="generation_config.json",
)
def cut_generation_config(directory: Path) -> None:
    path = directory / "generation_config.json"
    path.write_text(path.read_text(encoding="utf-8")[:-4], encoding="utf-8")


@mutant(
    "G04",
    "no generation_config.json: each engine's defaults win",
    base=CHAT,
    severity="hazard",
    source="Blackwellboy/model-serving-minefield trap 21",
    caught_by="integrity/generation-config-present",
    naming="generation_config.json",
)
def no_generation_config(directory: Path) -> None:
    (directory / "generation_config.json").unlink()


@mutant(
    "W09",
    "a renamed prefix leaves layers random",
    source="huggingface/transformers#46402",
    base=CHAT,
    caught_by="integrity/weights-complete",
    naming="missing",
)
def renamed_prefix(directory: Path) -> None:
    edit_weights(
        directory,
        lambda tensors: {name.replace("model.layers.1.", "model.block.1."): tensor for name, tensor in tensors.items()},
    )


@mutant(
    "S21",
    "one tensor is missing and re-initialised",
    source="huggingface/transformers#45361",
    base=CHAT,
    caught_by="integrity/weights-complete",
    naming=LAYER,
)
def missing_tensor(directory: Path) -> None:
    edit_weights(directory, lambda tensors: {name: tensor for name, tensor in tensors.items() if name != LAYER})


@mutant(
    "S22",
    "a stored tensor is not used by the model",
    source="own",
    base=CHAT,
    severity="hazard",
    caught_by="integrity/weights-complete",
    naming="model.extra.weight",
)
def unused_tensor(directory: Path) -> None:
    edit_weights(directory, lambda tensors: tensors | {"model.extra.weight": tensors[LAYER].clone()})


@mutant(
    "S23",
    "a weight is NaN",
    source="own",
    base=CHAT,
    caught_by="integrity/weights-finite",
    naming=LAYER,
    also=("generation",),
)
def nan_weight(directory: Path) -> None:
    def change(tensors: dict[str, Any]) -> dict[str, Any]:
        tensors[LAYER][0, 0] = float("nan")
        return tensors

    edit_weights(directory, change)


@mutant(
    "S24",
    "a half-precision export overflowed to infinity",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/weights-finite",
    naming="classifier.weight",
)
def infinite_weight(directory: Path) -> None:
    def change(tensors: dict[str, Any]) -> dict[str, Any]:
        tensors["classifier.weight"][0, 0] = float("inf")
        return tensors

    edit_weights(directory, change)


@mutant(
    "W13",
    "the declared dtype is not the stored one",
    source="huggingface/transformers#42805",
    base=CHAT,
    caught_by="integrity/dtype-as-declared",
    severity="hazard",
    naming=("float16", "float32"),
)
def other_dtype_declared(directory: Path) -> None:
    set_keys(directory / "config.json", dtype="float16")


@mutant(
    "P02",
    "the labels are placeholders",
    source="huggingface/transformers#3093",
    base=CLASSIFIER,
    caught_by="integrity/label-names",
    severity="hazard",
    naming="LABEL_0",
)
def placeholder_labels(directory: Path) -> None:
    names = {"0": "LABEL_0", "1": "LABEL_1"}
    set_keys(directory / "config.json", id2label=names, label2id={"LABEL_0": 0, "LABEL_1": 1})


@mutant(
    "S25",
    "id2label and label2id disagree",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/label-names",
    naming=("NEGATIVE", "label2id"),
)
def swapped_labels(directory: Path) -> None:
    set_keys(directory / "config.json", label2id={"POSITIVE": 0, "NEGATIVE": 1})


@mutant(
    "S26",
    "the head has more rows than the config has labels",
    source="cardiffnlp/tweeteval#13",
    base=CLASSIFIER,
    caught_by="integrity/weights-complete",
    naming="classifier.weight",
)
def more_labels_than_rows(directory: Path) -> None:
    labels = ["NEGATIVE", "NEUTRAL", "POSITIVE"]
    inverse = {name: number for number, name in enumerate(labels)}
    set_keys(directory / "config.json", id2label=dict(enumerate(labels)), label2id=inverse)


def _without_pooler(directory: Path) -> None:
    edit_weights(directory, lambda tensors: {name: t for name, t in tensors.items() if "pooler." not in name})


@mutant(
    "S28",
    "a classifier lost the pooler that its head reads",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/weights-complete",
    naming="pooler.dense.weight",
)
def classifier_without_pooler(directory: Path) -> None:
    _without_pooler(directory)


@mutant(
    "S29",
    "a bare encoder ships no pooler: pooler_output is random, mean pooling is not",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/weights-complete",
    severity="hazard",
    naming="pooler.dense.weight",
)
def encoder_without_pooler(directory: Path) -> None:
    set_keys(directory / "config.json", architectures=["BertModel"])
    _without_pooler(directory)


@mutant(
    "S27",
    "code of the repository shadows the library's class",
    source="own",
    base=CHAT,
    severity="hazard",
    caught_by="integrity/native-code",
    naming="modeling_mine.py",
)
def code_beside_known_type(directory: Path) -> None:
    set_keys(directory / "config.json", auto_map={"AutoModelForCausalLM": "modeling_mine.Mine"})


def _leak_state(model: Any) -> None:
    calls = iter(range(10**6))
    model.lm_head.register_forward_hook(lambda module, inputs, output: output.roll(next(calls), dims=-1))


@mutant(
    "S30",
    "state leaks from one generation into the next",
    source="huggingface/transformers#30670",
    base=CHAT,
    caught_by="generation/greedy-deterministic",
    naming="differ",
    patch=_leak_state,
)
def state_leaks(directory: Path) -> None:
    """The files stay healthy."""
