from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Hazard, Record
from suites.integrity.config.special_ids import CONFIG, GENERATION, by_file, ids

EOS = "eos_token_id"


@needs("config")
@uses("generation", "training", worst="hazard")
def test_special_ids_agree(subject: Subject, tokenizer: Any, record: Record) -> None:
    """The ids of bos, pad and eos are the same in `config.json`, `generation_config.json` and the tokenizer.

    Why: trainers take them from the tokenizer, `generate` from the generation config, other engines from config.json.
        If they differ, a model trained with one id does not stop at the other, or starts or pads with it.
    Fix: write the same ids into all three; a list of several stop ids must contain the tokenizer's eos.
    Source: https://huggingface.co/docs/transformers/main_classes/text_generation (eos_token_id);
        https://github.com/vllm-project/vllm/issues/4180
    """
    files = by_file(subject)
    declared = {
        name: {file: ids(settings, name) for file, settings in files.items() if ids(settings, name)}
        | _of_tokenizer(tokenizer, name)
        for name in ("bos_token_id", "pad_token_id", EOS)
    }
    for name in ("bos_token_id", "pad_token_id"):
        _must_be_one(name, declared[name], tokenizer)
    if subject.traits.can_generate:
        _must_stop_alike(declared[EOS], tokenizer)
    record.capability(
        "integrity.stop_token_ids", ", ".join(map(str, _stop_ids(declared[EOS]))) or "none", evidence=declared
    )


def _of_tokenizer(tokenizer: Any, name: str) -> dict[str, list[int]]:
    number = getattr(tokenizer, name, None)
    return {"the tokenizer": [number]} if isinstance(number, int) else {}


def _stop_ids(declared: Mapping[str, list[int]]) -> list[int]:
    return declared.get(GENERATION) or declared.get(CONFIG) or []


def _must_be_one(name: str, declared: Mapping[str, list[int]], tokenizer: Any) -> None:
    __tracebackhide__ = True
    values = {number for numbers in declared.values() for number in numbers}
    if len(values) > 1:
        by_file = ", ".join(f"{_named(tokenizer, numbers)} in {file}" for file, numbers in declared.items())
        raise Hazard(f"{name} differs: it is {by_file}.", evidence={name: dict(declared)})


def _must_stop_alike(declared: Mapping[str, list[int]], tokenizer: Any) -> None:
    __tracebackhide__ = True
    stops = _stop_ids(declared)
    if not stops:
        raise Hazard(
            f"Neither {CONFIG} nor {GENERATION} has an {EOS}: generation always runs to the limit.",
            evidence=dict(declared),
        )
    own = declared.get("the tokenizer", [])
    if own and own[0] not in stops:
        raise Hazard(
            f"The tokenizer's eos_token is {_named(tokenizer, own)}, but generation stops at "
            f"{_named(tokenizer, stops)}.",
            evidence=dict(declared),
        )
    other = declared.get(CONFIG, stops)
    if not set(other) & set(stops):
        raise Hazard(
            f"{EOS} is {_named(tokenizer, other)} in {CONFIG} but {_named(tokenizer, stops)} in {GENERATION}: "
            "engines stop at different tokens.",
            evidence=dict(declared),
        )


def _named(tokenizer: Any, numbers: list[int]) -> str:
    return ", ".join(f"{_token(tokenizer, number)} (id {number})" for number in numbers[:4])


def _token(tokenizer: Any, number: int) -> str:
    """Returns the token, or 'no token' if the tokenizer has none with this id."""
    try:
        found = tokenizer.convert_ids_to_tokens(number)
    except Exception:  # negative, or larger than the backend accepts
        found = None
    return "no token" if found is None else str(found)
