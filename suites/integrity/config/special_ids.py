"""Ids of special tokens declared in each config file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fixtures.checkpoint.config_parts import text_part
from fixtures.checkpoint.traits import read_json
from fixtures.subjects.subject import Subject

CONFIG, GENERATION = "config.json", "generation_config.json"
NAMES = (
    "bos_token_id",
    "eos_token_id",
    "pad_token_id",
    "decoder_start_token_id",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "sep_token_id",
    "cls_token_id",
    "mask_token_id",
)


def by_file(subject: Subject) -> dict[str, Mapping[str, Any]]:
    """Returns the settings of both files, including those of the text model if it is a part."""
    config, generation = subject.json(CONFIG), read_json(subject.path / GENERATION)[0]
    return {CONFIG: {**text_part(config), **{k: v for k, v in config.items() if v is not None}}, GENERATION: generation}


def ids(settings: Mapping[str, Any], name: str) -> list[int]:
    """Returns one id or several as a list; empty if there is none."""
    value = settings.get(name)
    found = value if isinstance(value, list) else [value]
    return [each for each in found if isinstance(each, int) and not isinstance(each, bool)]
