from __future__ import annotations

import warnings
from typing import Any

from fixtures.subjects.subject import Subject
from fixtures.subjects.traits import read_json
from suites.findings import Defect, Hazard

FILE = "generation_config.json"


def test_generation_config_present(subject: Subject, generates: None) -> None:
    """A model that generates ships a `generation_config.json`.

    Why: without it every engine falls back to its own defaults for stop tokens and sampling, and they differ.
    Fix: save one: `GenerationConfig(eos_token_id=..., pad_token_id=...).save_pretrained(directory)`.
    Source: https://huggingface.co/docs/transformers/main_classes/text_generation
    """
    if not subject.has(FILE):
        raise Hazard(f"There is no {FILE}: stop tokens and sampling are left to each engine's defaults.")


def test_generation_config_valid(subject: Subject, generates: None) -> None:
    """`generation_config.json` is valid: it parses, and its settings do not contradict each other.

    Why: a file that does not parse is ignored without a word when the model loads; sampling settings beside
    `do_sample: false` are ignored too, and saving such a config fails.
    Fix: correct the file; the finding names the setting.
    Source: https://github.com/huggingface/transformers/issues/29988
    """
    data, problems = read_json(subject.path / FILE)
    if problems:
        raise Defect(f"{problems[0].summary.rstrip('.')}; transformers ignores the whole file without a word.")
    if complaint := _complaint(data):
        raise Hazard(f"{FILE} contradicts itself: {complaint}", evidence={"settings": data})


def _complaint(data: dict[str, Any]) -> str:
    """What the library's strict validation says, in one line; empty when it is content."""
    from transformers import GenerationConfig

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            GenerationConfig.from_dict(dict(data)).validate(strict=True)
        except (ValueError, TypeError) as error:
            return " ".join(str(error).split())[:400]
    return ""
