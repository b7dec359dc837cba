"""Defects that keep a subject from loading, and valid files that the installed library refuses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from selftests.gallery.edits.files import edit_json, edit_tokenizer, set_keys
from selftests.gallery.edits.shards import split
from selftests.gallery.registry import CHAT, healthy, mutant

GENERATION = "generation_config.json"
CONFIG = "config.json"


@mutant(
    "rope-scaling-unknown",
    "a rotary scaling that the library does not know",
    number="J24",
    source="own",
    base=CHAT,
    caught_by="integrity/loads",
    summary_contains=("rotary scaling 'lineer'", "does not know"),
)
def rope_scaling_unknown(directory: Path) -> None:
    edit_json(directory / CONFIG, lambda config: [config.pop(key, None) for key in ("rope_theta", "rope_parameters")])
    set_keys(directory / CONFIG, rope_scaling={"rope_type": "lineer", "factor": 4.0})


@mutant(
    "padding-id-beyond-vocabulary",
    "the padding id is no row of the vocabulary",
    number="J25",
    source="own",
    base=CHAT,
    caught_by="integrity/loads",
    summary_contains=("pad_token_id = 1024", "1024 rows"),
)
def padding_id_beyond_vocabulary(directory: Path) -> None:
    assert json.loads((directory / CONFIG).read_text(encoding="utf-8"))["vocab_size"] == 1024
    set_keys(directory / CONFIG, pad_token_id=1024)


@mutant(
    "shard-missing",
    "a shard is missing",
    number="I10",
    source="own",
    base=CHAT,
    caught_by="integrity/loads",
    summary_contains="model-00002-of-00003.safetensors is missing",
)
def shard_missing(directory: Path) -> None:
    split(directory, 3)
    (directory / "model-00002-of-00003.safetensors").unlink()


@mutant(
    "diffusion-decoder-truncated",
    "the decoder of a pipeline that draws is cut off",
    number="PB16",
    source="own",
    base="tiny-text-to-image",
    caught_by="integrity/loads",
    summary_contains=("vae/diffusion_pytorch_model.safetensors", "truncated"),
)
def diffusion_decoder_truncated(directory: Path) -> None:
    path = directory / "vae" / "diffusion_pytorch_model.safetensors"
    path.write_bytes(path.read_bytes()[:-1000])


@mutant(
    "diffusion-component-missing",
    "a component that model_index.json names is missing",
    number="PB17",
    source="own",
    base="tiny-text-to-image",
    caught_by="integrity/loads",
    summary_contains=("component unet", "missing or empty"),
)
def diffusion_component_missing(directory: Path) -> None:
    for path in (directory / "unet").iterdir():
        path.unlink()
    (directory / "unet").rmdir()


def other_class(index: dict[str, Any]) -> None:
    index["scheduler"] = ["diffusers", "NobodysScheduler"]


@mutant(
    "diffusion-scheduler-unknown",
    "model_index.json names a scheduler that diffusers does not have",
    number="PB18",
    source="own",
    base="tiny-text-to-image",
    caught_by="integrity/loads",
    summary_contains=("refuses model_index.json", "NobodysScheduler"),
    severity="unsupported",
)
def diffusion_scheduler_unknown(directory: Path) -> None:
    edit_json(directory / "model_index.json", other_class)


def _declare(**more: Any) -> Any:
    declared = {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"} | more
    return lambda directory: set_keys(directory / CONFIG, quantization_config=declared)


mutant(
    "quantization-method-misspelled",
    "the method of quantization is misspelled",
    number="QA27",
    source="own",
    base=CHAT,
    caught_by="integrity/loads",
    summary_contains=(CONFIG, "'bitsandbits'", "'bitsandbytes' is near"),
)(_declare(quant_method="bitsandbits"))


mutant(
    "compute-dtype-unknown",
    "a compute dtype that torch does not have",
    number="QA28",
    source="own",
    base=CHAT,
    caught_by="integrity/loads",
    summary_contains=(CONFIG, "bnb_4bit_compute_dtype", "float99"),
)(_declare(bnb_4bit_compute_dtype="float99"))


@mutant(
    "quantization-config-not-an-object",
    "quantization_config is a word and no object",
    number="QA29",
    source="own",
    base=CHAT,
    caught_by="integrity/loads",
    summary_contains=(CONFIG, "a str as quantization_config"),
)
def quantization_config_not_an_object(directory: Path) -> None:
    set_keys(directory / CONFIG, quantization_config="nf4")


@mutant(
    "tokenizer-json-from-newer-library",
    "tokenizer.json was written by a newer library",
    number="T21",
    source="modelscope/ms-swift#2494",
    base=CHAT,
    caught_by="integrity/loads",
    since="5.0",
    summary_contains=("tokenizer.json", "cannot be read by tokenizers"),
    severity="unsupported",
)
def tokenizer_json_from_newer_library(directory: Path) -> None:
    edit_tokenizer(directory, lambda data: data["model"].update(type="NextBPE"))


@mutant(
    "layer-types-of-another-depth",
    "layers were pruned, and layer_types still lists all",
    source="peremartra/optipfair#20",
    base=CHAT,
    caught_by="integrity/loads",
    since="5.0",
    summary_contains=("num_hidden_layers = ", "layer_types lists"),
)
def layer_types_of_another_depth(directory: Path) -> None:
    layers = json.loads((directory / CONFIG).read_text(encoding="utf-8"))["num_hidden_layers"]
    set_keys(directory / CONFIG, layer_types=["full_attention"] * (layers + 2))


@mutant(
    "several-bos-ids-refused",
    "a list as bos_token_id, which transformers 5 refuses and 4 accepts",
    source="own",
    base=CHAT,
    caught_by="integrity/loads",
    since="5.0",
    summary_contains=("refuses config.json", "bos_token_id"),
    severity="unsupported",
)
def several_bos_ids(directory: Path) -> None:
    set_keys(directory / CONFIG, bos_token_id=[1, 2])


@mutant(
    "activation-unknown-here",
    "an activation that the installed version does not have",
    source="own",
    base=CHAT,
    caught_by="integrity/loads",
    summary_contains=("hidden_act = 'xielu2'", "does not know"),
    severity="unsupported",
)
def activation_unknown_here(directory: Path) -> None:
    set_keys(directory / CONFIG, hidden_act="xielu2")


@healthy(
    "code-beside-a-known-class",
    "auto_map beside a model_type and class that the library has, which needs no code",
    base=CHAT,
    check="integrity/loads",
)
def code_beside_a_known_class(directory: Path) -> None:
    set_keys(directory / CONFIG, auto_map={"AutoModelForCausalLM": "modeling_mine.MineForCausalLM"})
    set_keys(directory / "tokenizer_config.json", auto_map={"AutoTokenizer": ["tokenization_mine.Mine", None]})
    code = "import pathlib; pathlib.Path(__file__).with_name('executed').touch()\n"
    for module in ("modeling_mine.py", "tokenization_mine.py"):
        (directory / module).write_text(code, encoding="utf-8")
