from __future__ import annotations

import warnings
from typing import Any

from fixtures.checkpoint.traits import read_json
from fixtures.session.needs import needs
from fixtures.subjects.subject import Subject
from suites.findings import Defect, Hazard
from suites.integrity.config.generation_ranges import EOS, never_written, refused, too_short
from suites.integrity.config.special_ids import ids
from suites.integrity.config.spelling import near_miss

FILE = "generation_config.json"


@needs("generates")
def test_generation_config_present(
    subject: Subject,
) -> None:
    """A model that generates ships a `generation_config.json`.

    Why: without it every engine falls back to its own defaults for stop tokens and sampling, and they differ.
    Fix: save one: `GenerationConfig(eos_token_id=..., pad_token_id=...).save_pretrained(directory)`.
    Source: https://huggingface.co/docs/transformers/main_classes/text_generation
    """
    if not subject.has(FILE):
        raise Hazard(f"There is no {FILE}: stop tokens and sampling are left to each engine's defaults.")


@needs("generates")
def test_generation_config_valid(
    subject: Subject,
) -> None:
    """`generation_config.json` is valid: it parses, `generate()` takes its settings, and they do not contradict.

    Why: a file that does not parse is ignored without a word when the model loads; sampling settings beside
        `do_sample: false` are ignored too, and saving such a config fails. A stop token that another setting forbids
        never comes.
    Fix: correct the file; the finding names the setting.
    Source: https://github.com/huggingface/transformers/issues/29988
    """
    data, problems = read_json(subject.path / FILE)
    if problems:
        raise Defect(f"{problems[0].summary.rstrip('.')}; transformers ignores the whole file without a word.")
    _refused(data)
    _stops(subject, data)
    if complaint := _complaint(data):
        raise Hazard(f"{FILE} contradicts itself: {complaint}", evidence={"settings": data})
    _misspelled(data)
    length = too_short(data)
    if length and "text-generation" in subject.traits.tasks:
        raise Hazard(
            f"{FILE} sets max_length to {length}, which counts the prompt too: generate() without a limit of its own "
            "raises for most prompts, or writes next to nothing.",
            evidence={"settings": data},
        )


def _refused(data: dict[str, Any]) -> None:
    __tracebackhide__ = True
    for what in refused(data):
        raise Defect(f"{FILE} makes a plain generate() fail: {what}.", evidence={"settings": data})


def _stops(subject: Subject, data: dict[str, Any]) -> None:
    """Neither the stop ids of the file, or of config.json, nor one of them may be forbidden."""
    __tracebackhide__ = True
    stops = ids(data, EOS) or ids(subject.json("config.json"), EOS)
    for name, found in never_written(data, stops).items():
        rest = "generation always runs to the limit" if len(found) == len(stops) else "generation goes on past it"
        raise Defect(f"{name} in {FILE} forbids the stop token {', '.join(map(str, found))}: {rest}.",
                     evidence={name: data[name], EOS: stops})  # fmt: skip


def _misspelled(data: dict[str, Any]) -> None:
    """Keys that are kept and never read."""
    __tracebackhide__ = True
    from transformers import GenerationConfig

    known = {name for name in vars(GenerationConfig()) if not name.startswith("_")}
    for key, value in data.items():
        free = [] if key in known or key.startswith("_") or value is None else sorted(known - {*data})
        meant = near_miss(key, free) or next((each for each in free if each in (f"{key}_id", f"{key}_ids")), None)
        if meant:
            raise Hazard(f"{FILE} has {key} ({str(value)[:40]}), which nothing reads; {meant} is meant.",
                         evidence={key: value})  # fmt: skip


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
