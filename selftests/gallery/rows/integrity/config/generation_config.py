"""Defects of generation_config.json."""

from __future__ import annotations

from pathlib import Path

from selftests.gallery.edits.files import set_keys
from selftests.gallery.registry import CHAT, healthy, mutant

CONFIG = "config.json"
GENERATION = "generation_config.json"


@mutant(
    "generation-config-absent",
    "no generation_config.json: each engine's defaults win",
    number="G04",
    base=CHAT,
    severity="hazard",
    source="Blackwellboy/model-serving-minefield trap 21",
    caught_by="integrity/generation-config-present",
    summary_contains="generation_config.json",
)
def generation_config_absent(directory: Path) -> None:
    (directory / "generation_config.json").unlink()


@mutant(
    "sampling-settings-with-greedy",
    "sampling settings with greedy decoding",
    number="G02",
    source="huggingface/transformers#29988",
    base=CHAT,
    caught_by="integrity/generation-config-valid",
    severity="hazard",
    summary_contains="temperature",
)
def sampling_settings_with_greedy(directory: Path) -> None:
    set_keys(directory / "generation_config.json", do_sample=False, temperature=0.7, top_p=0.9)


@mutant(
    "generation-config-truncated",
    "generation_config.json is cut and silently ignored",
    number="S20",
    source="own",
    base=CHAT,
    caught_by="integrity/generation-config-valid",
    summary_contains="generation_config.json",
)
def generation_config_truncated(directory: Path) -> None:
    path = directory / "generation_config.json"
    path.write_text(path.read_text(encoding="utf-8")[:-4], encoding="utf-8")


@mutant(
    "temperature-negative",
    "a sampling temperature below zero",
    number="J13",
    source="own",
    base=CHAT,
    caught_by="integrity/generation-config-valid",
    summary_contains=("generate() fail", "temperature is -1"),
)
def temperature_negative(directory: Path) -> None:
    set_keys(directory / GENERATION, do_sample=True, temperature=-1.0)


@mutant(
    "stop-token-suppressed",
    "the stop token is suppressed",
    number="J14",
    source="own",
    base=CHAT,
    caught_by="integrity/generation-config-valid",
    summary_contains=("suppress_tokens", "forbids the stop token 2"),
)
def stop_token_suppressed(directory: Path) -> None:
    set_keys(directory / GENERATION, suppress_tokens=[2, 0])


@mutant(
    "max-length-too-short",
    "a maximum length that no prompt fits in",
    number="J15",
    source="own",
    base=CHAT,
    caught_by="integrity/generation-config-valid",
    severity="hazard",
    summary_contains=("max_length to 5", "counts the prompt"),
)
def max_length_too_short(directory: Path) -> None:
    set_keys(directory / GENERATION, max_length=5)


@mutant(
    "generation-setting-misspelled",
    "a misspelled setting of generation",
    number="J16",
    source="own",
    base=CHAT,
    caught_by="integrity/generation-config-valid",
    severity="hazard",
    summary_contains=("max_new_token ", "max_new_tokens is meant"),
)
def generation_setting_misspelled(directory: Path) -> None:
    set_keys(directory / GENERATION, max_new_token=99)


@mutant(
    "repetition-penalty-shipped",
    "a repetition penalty is shipped and shifts greedy evaluation",
    number="I28",
    source="own",
    base=CHAT,
    caught_by="integrity/generation-defaults",
    severity="hazard",
    summary_contains="repetition_penalty 1.3",
)
def repetition_penalty_shipped(directory: Path) -> None:
    set_keys(directory / "generation_config.json", repetition_penalty=1.3)


@healthy(
    "sampling-by-default",
    "generation_config.json recommends sampling and its settings",
    base=CHAT,
    check="integrity/generation-config-valid",
)
def sampling_by_default(directory: Path) -> None:
    set_keys(directory / "generation_config.json", do_sample=True, temperature=0.7, top_p=0.8, top_k=20)
