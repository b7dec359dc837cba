"""Rows about settings that are ignored, impossible, or at odds with what else is in the directory."""

from __future__ import annotations

import json
from pathlib import Path

from selftests.gallery.edits import edit_json, edit_weights, set_keys
from selftests.gallery.registry import CHAT, CLASSIFIER, mutant

ENCODER_DECODER = "tiny-encoder-decoder"
CONFIG, GENERATION = "config.json", "generation_config.json"


@mutant(
    "J10",
    "the base of the rotary frequencies goes by another library's name",
    source="own",
    base=CHAT,
    caught_by="integrity/config-keys-known",
    naming=("rope_base", "rope_theta is meant"),
)
def base_by_another_name(directory: Path) -> None:
    edit_json(directory / CONFIG, lambda config: [config.pop(key, None) for key in ("rope_theta", "rope_parameters")])
    set_keys(directory / CONFIG, rope_base=500000.0)


@mutant(
    "J11",
    "theta inside of rope_parameters is called theta",
    source="own",
    base=CHAT,
    caught_by="integrity/config-keys-known",
    naming=("rope_parameters", "theta", "rope_theta is meant"),
)
def theta_inside(directory: Path) -> None:
    edit_json(directory / CONFIG, lambda config: config.pop("rope_theta", None))
    set_keys(directory / CONFIG, rope_parameters={"rope_type": "default", "theta": 500000.0})


@mutant(
    "J12",
    "the sliding window goes by another family's name",
    source="own",
    base="tiny-sliding-window",
    caught_by="integrity/config-keys-known",
    naming=("window_size", "sliding_window is meant"),
)
def window_by_another_name(directory: Path) -> None:
    edit_json(directory / CONFIG, lambda config: config.pop("sliding_window"))
    set_keys(directory / CONFIG, window_size=8)


@mutant(
    "J13",
    "a sampling temperature below zero",
    source="own",
    base=CHAT,
    caught_by="integrity/generation-config-valid",
    naming=("generate() fail", "temperature is -1"),
)
def negative_temperature(directory: Path) -> None:
    set_keys(directory / GENERATION, do_sample=True, temperature=-1.0)


@mutant(
    "J14",
    "the stop token is suppressed",
    source="own",
    base=CHAT,
    caught_by="integrity/generation-config-valid",
    naming=("suppress_tokens", "forbids the stop token 2"),
)
def suppressed_stop(directory: Path) -> None:
    set_keys(directory / GENERATION, suppress_tokens=[2, 0])


@mutant(
    "J15",
    "a maximum length that no prompt fits in",
    source="own",
    base=CHAT,
    caught_by="integrity/generation-config-valid",
    severity="hazard",
    naming=("max_length to 5", "counts the prompt"),
)
def short_length(directory: Path) -> None:
    set_keys(directory / GENERATION, max_length=5)


@mutant(
    "J16",
    "a misspelled setting of generation",
    source="own",
    base=CHAT,
    caught_by="integrity/generation-config-valid",
    severity="hazard",
    naming=("max_new_token ", "max_new_tokens is meant"),
)
def misspelled_setting(directory: Path) -> None:
    set_keys(directory / GENERATION, max_new_token=99)


@mutant(
    "J17",
    "id2label has no name for the first output",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/label-names",
    naming=("no name for output 0", "1, 2"),
)
def labels_from_one(directory: Path) -> None:
    set_keys(directory / CONFIG, id2label={"1": "NEG", "2": "POS"}, label2id={"NEG": 1, "POS": 2})


@mutant(
    "J18",
    "a tokenizer's settings without its vocabulary",
    source="own",
    base=CHAT,
    caught_by="integrity/files-whole",
    naming=("tokenizer_config.json declares", "neither tokenizer.json"),
)
def no_vocabulary(directory: Path) -> None:
    (directory / "tokenizer.json").unlink()


@mutant(
    "J19",
    "the state of an optimizer, a pickle, lies beside the weights",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/no-pickles",
    severity="hazard",
    naming=("optimizer.pt", "left over from training"),
)
def optimizer_state(directory: Path) -> None:
    import torch

    torch.save({"step": 1}, directory / "optimizer.pt")


@mutant(
    "J20",
    "the encoder's embeddings are not in the checkpoint, the head stands in for them",
    source="own",
    base=ENCODER_DECODER,
    caught_by="integrity/tied-as-declared",
    naming=("input embeddings are not in the checkpoint", "lm_head.weight"),
    since="5.0",
)
def embeddings_from_the_head(directory: Path) -> None:
    edit_weights(directory, lambda tensors: {name: each for name, each in tensors.items() if name != "shared.weight"})


@mutant(
    "J21",
    "the embedding of one token is a thousand times too large",
    source="own",
    base=CHAT,
    caught_by="integrity/embedding-rows-in-use",
    naming=("(id 300)", "times as large as most"),
)
def huge_row(directory: Path) -> None:
    def change(tensors: dict[str, object]) -> dict[str, object]:
        tensors["model.embed_tokens.weight"][300] *= 2000  # type: ignore[index]
        return tensors

    edit_weights(directory, change)


@mutant(
    "J22",
    "the last norm holds only zeros",
    source="own",
    base=CHAT,
    caught_by="integrity/layers-alike",
    naming=("model.norm.weight", "only zeros"),
)
def zero_norm(directory: Path) -> None:
    edit_weights(directory, lambda tensors: tensors | {"model.norm.weight": tensors["model.norm.weight"] * 0})


@mutant(
    "J23",
    "config.json has more positions than there are embeddings of them",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/config-fits-weights",
    naming=("max_position_embeddings = 512", "weights have 128"),
)
def more_positions(directory: Path) -> None:
    set_keys(directory / CONFIG, max_position_embeddings=512)


@mutant(
    "J24",
    "a rotary scaling that the library does not know",
    source="own",
    base=CHAT,
    caught_by="integrity/loads",
    naming=("rotary scaling 'lineer'", "does not know"),
)
def unknown_scaling(directory: Path) -> None:
    edit_json(directory / CONFIG, lambda config: [config.pop(key, None) for key in ("rope_theta", "rope_parameters")])
    set_keys(directory / CONFIG, rope_scaling={"rope_type": "lineer", "factor": 4.0})


@mutant(
    "J25",
    "the padding id is no row of the vocabulary",
    source="own",
    base=CHAT,
    caught_by="integrity/loads",
    naming=("pad_token_id = 1024", "1024 rows"),
)
def padding_beyond_the_vocabulary(directory: Path) -> None:
    assert json.loads((directory / CONFIG).read_text(encoding="utf-8"))["vocab_size"] == 1024
    set_keys(directory / CONFIG, pad_token_id=1024)
