"""Rows about checkpoints that say in config.json that they are quantized, and cannot be meant so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits import set_keys
from selftests.gallery.registry import CHAT, mutant

LOADS, CONFIG = "integrity/loads", "config.json"


def _declare(**more: Any) -> Any:
    said = {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"} | more
    return lambda directory: set_keys(directory / CONFIG, quantization_config=said)


mutant(
    "QA27",
    "the method of quantization is misspelled",
    source="own",
    base=CHAT,
    caught_by=LOADS,
    naming=(CONFIG, "'bitsandbits'", "'bitsandbytes' is near"),
)(_declare(quant_method="bitsandbits"))

mutant(
    "QA28",
    "a compute dtype that torch does not have",
    source="own",
    base=CHAT,
    caught_by=LOADS,
    naming=(CONFIG, "bnb_4bit_compute_dtype", "float99"),
)(_declare(bnb_4bit_compute_dtype="float99"))


@mutant(
    "QA29",
    "quantization_config is a word and no object",
    source="own",
    base=CHAT,
    caught_by=LOADS,
    naming=(CONFIG, "a str as quantization_config"),
)
def _a_word(directory: Path) -> None:
    set_keys(directory / CONFIG, quantization_config="nf4")
