"""Defects of config.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits.architectures import DECODER, put_model
from selftests.gallery.edits.files import edit_json, set_keys, unchanged
from selftests.gallery.registry import CHAT, CLASSIFIER, healthy, mutant

GENERATION = "generation_config.json"
CONFIG = "config.json"


def _no_layer_types(model: Any) -> None:
    model.config.layer_types = []


@mutant(
    "zero-shared-kv-layers",
    "num_kv_shared_layers of 0 leaves the cache without layers",
    number="G08",
    source="unslothai/unsloth-zoo#580",
    base=CHAT,
    caught_by="integrity/cache-has-every-layer",
    summary_contains=("0 layers", "num_kv_shared_layers"),
    patch=_no_layer_types,
)
def zero_shared_kv_layers(directory: Path) -> None:
    """`layer_types[:-0]` is empty in 4.57; the patch does the same where the library no longer does."""
    set_keys(directory / "config.json", num_kv_shared_layers=0)


@mutant(
    "kv-heads-wrong",
    "the number of key and value heads is wrong",
    number="I19",
    source="own",
    base=CHAT,
    caught_by="integrity/config-fits-weights",
    summary_contains=("num_key_value_heads = 4", "the weights have 2"),
)
def kv_heads_wrong(directory: Path) -> None:
    set_keys(directory / "config.json", num_key_value_heads=4)


@mutant(
    "too-few-layers-declared",
    "fewer layers are declared than stored",
    number="I20",
    source="own",
    base=CHAT,
    caught_by="integrity/config-fits-weights",
    summary_contains=("num_hidden_layers = 1", "2 layers"),
)
def too_few_layers_declared(directory: Path) -> None:
    set_keys(directory / "config.json", num_hidden_layers=1)


@mutant(
    "too-many-layers-declared",
    "more layers are declared than stored",
    number="I21",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/config-fits-weights",
    summary_contains=("num_hidden_layers = 3", "2 layers"),
)
def too_many_layers_declared(directory: Path) -> None:
    set_keys(directory / "config.json", num_hidden_layers=3)


@mutant(
    "more-positions-than-embeddings",
    "config.json has more positions than there are embeddings of them",
    number="J23",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/config-fits-weights",
    summary_contains=("max_position_embeddings = 512", "weights have 128"),
)
def more_positions_than_embeddings(directory: Path) -> None:
    set_keys(directory / CONFIG, max_position_embeddings=512)


@mutant(
    "internal-key-loads-kernel",
    "an internal key names a kernel repository",
    number="I23",
    source="CVE-2026-4372",
    base=CLASSIFIER,
    caught_by="integrity/config-keys-known",
    summary_contains=("_attn_implementation_internal", "repository with code"),
)
def internal_key_loads_kernel(directory: Path) -> None:
    set_keys(directory / "config.json", _attn_implementation_internal="nobody/attention-kernel")


@mutant(
    "internal-key-sets-attention",
    "an internal key picks the attention",
    number="I24",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/config-keys-known",
    severity="hazard",
    summary_contains="_attn_implementation_internal",
)
def internal_key_sets_attention(directory: Path) -> None:
    set_keys(directory / "config.json", _attn_implementation_internal="eager")


@mutant(
    "rope-scaling-key-misspelled",
    "a misspelled key of rotary scaling is ignored",
    number="I16",
    source="own",
    base=CHAT,
    caught_by="integrity/config-keys-known",
    summary_contains=("orignal_max_position_embeddings", "original_max_position_embeddings is meant"),
)
def rope_scaling_key_misspelled(directory: Path) -> None:
    scaling = {"rope_type": "yarn", "factor": 4.0, "orignal_max_position_embeddings": 512}
    set_keys(directory / "config.json", rope_scaling=scaling)


@mutant(
    "rope-theta-misspelled",
    "rope_theta is misspelled",
    number="I17",
    source="own",
    base=CHAT,
    caught_by="integrity/config-keys-known",
    summary_contains=("rope_tehta (500000.0)", "rope_theta is meant"),
)
def rope_theta_misspelled(directory: Path) -> None:
    def change(config: dict[str, Any]) -> None:
        del config["rope_theta"]
        config["rope_tehta"] = 500000.0

    edit_json(directory / "config.json", change)


@mutant(
    "rope-scaling-without-type",
    "rotary scaling without a type",
    number="I18",
    source="own",
    base=CHAT,
    caught_by="integrity/config-keys-known",
    summary_contains=("factor = 4.0", "rope_type", "nothing is scaled"),
)
def rope_scaling_without_type(directory: Path) -> None:
    set_keys(directory / "config.json", rope_scaling={"rope_type": "default", "factor": 4.0})


@mutant(
    "rope-base-foreign-name",
    "the base of the rotary frequencies has another library's name",
    number="J10",
    source="own",
    base=CHAT,
    caught_by="integrity/config-keys-known",
    summary_contains=("rope_base", "rope_theta is meant"),
)
def rope_base_foreign_name(directory: Path) -> None:
    edit_json(directory / CONFIG, lambda config: [config.pop(key, None) for key in ("rope_theta", "rope_parameters")])
    set_keys(directory / CONFIG, rope_base=500000.0)


@mutant(
    "theta-inside-rope-parameters",
    "theta inside of rope_parameters is called theta",
    number="J11",
    source="own",
    base=CHAT,
    caught_by="integrity/config-keys-known",
    summary_contains=("rope_parameters", "theta", "rope_theta is meant"),
)
def theta_inside_rope_parameters(directory: Path) -> None:
    edit_json(directory / CONFIG, lambda config: config.pop("rope_theta", None))
    set_keys(directory / CONFIG, rope_parameters={"rope_type": "default", "theta": 500000.0})


@mutant(
    "window-foreign-name",
    "the sliding window has another family's name",
    number="J12",
    source="own",
    base="tiny-sliding-window",
    caught_by="integrity/config-keys-known",
    summary_contains=("window_size", "sliding_window is meant"),
)
def window_foreign_name(directory: Path) -> None:
    edit_json(directory / CONFIG, lambda config: config.pop("sliding_window"))
    set_keys(directory / CONFIG, window_size=8)


@mutant(
    "labels-are-placeholders",
    "the labels are placeholders",
    number="P02",
    source="huggingface/transformers#3093",
    base=CLASSIFIER,
    caught_by="integrity/label-names",
    severity="hazard",
    summary_contains="LABEL_0",
)
def labels_are_placeholders(directory: Path) -> None:
    names = {"0": "LABEL_0", "1": "LABEL_1"}
    set_keys(directory / "config.json", id2label=names, label2id={"LABEL_0": 0, "LABEL_1": 1})


@mutant(
    "label-maps-disagree",
    "id2label and label2id disagree",
    number="S25",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/label-names",
    summary_contains=("NEGATIVE", "label2id"),
)
def label_maps_disagree(directory: Path) -> None:
    set_keys(directory / "config.json", label2id={"POSITIVE": 0, "NEGATIVE": 1})


@mutant(
    "first-label-unnamed",
    "id2label has no name for the first output",
    number="J17",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/label-names",
    summary_contains=("no name for output 0", "1, 2"),
)
def first_label_unnamed(directory: Path) -> None:
    set_keys(directory / CONFIG, id2label={"1": "NEG", "2": "POS"}, label2id={"NEG": 1, "POS": 2})


@mutant(
    "activation-not-of-family",
    "another activation function than the family's",
    number="W14",
    source="unsloth.ai/blog/gemma-bugs",
    base=CHAT,
    caught_by="integrity/settings-of-the-family",
    severity="hazard",
    summary_contains=("hidden_act to gelu", "silu"),
)
def activation_not_of_family(directory: Path) -> None:
    set_keys(directory / "config.json", hidden_act="gelu")


def _see_everything(model: Any) -> None:
    for layer in model.model.layers:
        layer.self_attn.sliding_window = None


mutant(
    "window-not-in-force",
    "layers with a sliding window see everything",
    number="I22",
    source="own",
    base="tiny-alternating-window",
    caught_by="integrity/sliding-window-layers",
    summary_contains=("Layer 0", "sees everything"),
    patch=_see_everything,
)(unchanged)


@mutant(
    "window-without-its-switch",
    "sliding_window is silently dropped where use_sliding_window is not set",
    number="G12",
    source="huggingface/transformers#38002",
    base="tiny-sliding-window",
    caught_by="integrity/sliding-window-layers",
    summary_contains="sliding window",
)
def window_without_its_switch(directory: Path) -> None:
    set_keys(directory / "config.json", model_type="qwen2", architectures=["Qwen2ForCausalLM"])


@mutant(
    "config-pads-with-other-token",
    "config.json pads with another token than the tokenizer",
    number="I26",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/special-ids-agree",
    severity="hazard",
    summary_contains=("pad_token_id", "in config.json", "in the tokenizer"),
)
def config_pads_with_other_token(directory: Path) -> None:
    set_keys(directory / "config.json", pad_token_id=4)


@mutant(
    "tokenizer-eos-not-a-stop",
    "the tokenizer's eos is not among the stop ids",
    number="I27",
    source="own",
    base=CHAT,
    caught_by="integrity/special-ids-agree",
    severity="hazard",
    summary_contains=("eos_token", "(id 0)", "generation stops at"),
)
def tokenizer_eos_not_a_stop(directory: Path) -> None:
    set_keys(directory / "generation_config.json", eos_token_id=0)


@mutant(
    "stop-id-beyond-vocabulary",
    "the stop id is beyond the vocabulary",
    number="I25",
    source="own",
    base=CHAT,
    caught_by="integrity/special-ids-in-range",
    summary_contains=("generation_config.json: eos_token_id is 128009", "1024 rows"),
)
def stop_id_beyond_vocabulary(directory: Path) -> None:
    set_keys(directory / "generation_config.json", eos_token_id=[128009, 2])


@healthy(
    "window-only-where-declared",
    "every layer has the attribute sliding_window, and full layers do not pass it on (EXAONE 4)",
    base="tiny-alternating-window",
    check="integrity/sliding-window-layers",
    since="5.0",
)
def window_only_where_declared(directory: Path) -> None:
    settings = DECODER | {"num_hidden_layers": 4, "sliding_window": 8, "sliding_window_pattern": 4, "head_dim": 16}
    put_model(directory, "exaone4", "Exaone4ForCausalLM", **settings)


@healthy(
    "sliding-window-null",
    "sliding_window is null: attention is full in every layer",
    base="tiny-sliding-window",
    check="integrity/sliding-window-layers",
    outcome="not_applicable",
)
def sliding_window_null(directory: Path) -> None:
    set_keys(directory / "config.json", sliding_window=None)


@healthy(
    "defaults-written-out",
    "config.json repeats defaults, and the traces of an earlier save",
    base=CHAT,
    check="integrity/config-keys-known",
)
def defaults_written_out(directory: Path) -> None:
    set_keys(
        directory / "config.json",
        _name_or_path="/data/checkpoints/step-1000",
        transformers_version="4.46.0",
        pretraining_tp=1,
        torch_dtype="float32",
        output_attentions=False,
    )


@healthy(
    "ratings-as-labels",
    "labels are numbers, written as text",
    base=CLASSIFIER,
    check="integrity/label-names",
)
def ratings_as_labels(directory: Path) -> None:
    set_keys(directory / "config.json", id2label={"0": "1", "1": "5"}, label2id={"1": 0, "5": 1})
