from __future__ import annotations

import warnings
from typing import Any

from fixtures.checkpoint.traits import read_json
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Defect, Hazard
from suites.integrity.config.generation_ranges import EOS, forbidden_stops, invalid_values, too_short_max_length
from suites.integrity.config.misspelling import near_miss
from suites.integrity.config.special_ids import ids

FILE = "generation_config.json"


@needs("generates")
@uses("generation", worst="hazard")
def test_generation_config_present(subject: Subject) -> None:
    """A model that generates ships a `generation_config.json`.

    Why: without it every engine falls back to its own defaults for stop tokens and sampling, and they differ.
    Fix: save one: `GenerationConfig(eos_token_id=..., pad_token_id=...).save_pretrained(directory)`.
    Source: https://huggingface.co/docs/transformers/main_classes/text_generation
    """
    if not subject.has(FILE):
        raise Hazard(f"{FILE} is missing: stop tokens and sampling depend on each engine's defaults.")


@needs("generates")
@uses("generation", "sharing")
def test_generation_config_valid(subject: Subject) -> None:
    """`generation_config.json` parses, `generate()` accepts its settings, and they do not contradict each other.

    Why: a file that does not parse is silently ignored. Sampling settings together with `do_sample: false` are ignored
        too, and saving such a config fails. A stop token that another setting forbids is never generated. `max_length`
        counts the prompt, so a small value leaves no room for an answer.
    Fix: correct the file; the finding names the setting.
    Source: https://github.com/huggingface/transformers/issues/29988
    """
    data, problems = read_json(subject.path / FILE)
    if problems:
        raise Defect(
            f"{problems[0].summary.rstrip('.')}; transformers silently ignores the whole file.", uses=("generation",)
        )
    _must_be_valid(data)
    _must_allow_stops(subject, data)
    if error := _validation_error(data):
        raise Hazard(f"{FILE} contradicts itself: {error}", evidence={"settings": data})
    _must_be_known(data)
    length = too_short_max_length(data)
    if length and "text-generation" in subject.traits.tasks:
        raise Hazard(
            f"{FILE} sets max_length to {length}, which counts the prompt too: generate() without an explicit limit "
            "fails for most prompts or generates almost nothing.",
            evidence={"settings": data},
            uses=("generation",),
        )


def _must_be_valid(data: dict[str, Any]) -> None:
    __tracebackhide__ = True
    for problem in invalid_values(data):
        raise Defect(
            f"{FILE} makes a plain generate() fail: {problem}.", evidence={"settings": data}, uses=("generation",)
        )


def _must_allow_stops(subject: Subject, data: dict[str, Any]) -> None:
    """Raises Defect if a setting forbids a stop id of this file or, if it has none, of config.json."""
    __tracebackhide__ = True
    stops = ids(data, EOS) or ids(subject.json("config.json"), EOS)
    for name, found in forbidden_stops(data, stops).items():
        rest = "generation always runs to the limit" if len(found) == len(stops) else "generation goes on past it"
        raise Defect(
            f"{name} in {FILE} forbids the stop token {', '.join(map(str, found))}: {rest}.",
            evidence={name: data[name], EOS: stops},
            uses=("generation",),
        )


def _must_be_known(data: dict[str, Any]) -> None:
    """Raises Hazard for a misspelled key, which nothing reads."""
    __tracebackhide__ = True
    from transformers import GenerationConfig

    known = {name for name in vars(GenerationConfig()) if not name.startswith("_")}
    for key, value in data.items():
        free = [] if key in known or key.startswith("_") or value is None else sorted(known - {*data})
        meant = near_miss(key, free) or next((each for each in free if each in (f"{key}_id", f"{key}_ids")), None)
        if meant:
            raise Hazard(
                f"{FILE} has {key} ({str(value)[:40]}), which nothing reads; probably {meant} is meant.",
                evidence={key: value},
                uses=("generation",),
            )


def _validation_error(data: dict[str, Any]) -> str:
    """Returns the error of the library's strict validation in one line; empty if there is none."""
    from transformers import GenerationConfig

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            GenerationConfig.from_dict(dict(data)).validate(strict=True)
        except (ValueError, TypeError) as error:
            return " ".join(str(error).split())[:400]
    return ""
