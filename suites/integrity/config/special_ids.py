"""Ids of special tokens, as each file has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fixtures.checkpoint.config_parts import text_part
from fixtures.checkpoint.traits import read_json
from fixtures.subjects.subject import Subject

CONFIG, GENERATION = "config.json", "generation_config.json"
NAMES = ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id", "forced_bos_token_id",
         "forced_eos_token_id", "sep_token_id", "cls_token_id", "mask_token_id")  # fmt: skip


def by_file(subject: Subject) -> dict[str, Mapping[str, Any]]:
    """The settings of both files; of a model with parts, those of its text model too."""
    config, generation = subject.json(CONFIG), read_json(subject.path / GENERATION)[0]
    return {CONFIG: {**text_part(config), **{k: v for k, v in config.items() if v is not None}},
            GENERATION: generation}  # fmt: skip


def ids(settings: Mapping[str, Any], name: str) -> list[int]:
    """One id or a list of them, as a list; [] where there is none."""
    value = settings.get(name)
    found = value if isinstance(value, list) else [value]
    return [each for each in found if isinstance(each, int) and not isinstance(each, bool)]
