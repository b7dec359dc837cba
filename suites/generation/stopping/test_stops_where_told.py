from __future__ import annotations

from typing import Any

from fixtures.session.uses import uses
from suites.findings import Defect, Record, Refused
from suites.generation.stopping.conditions import Condition, conditions
from suites.running import forced_tokens, generate

MAX_NEW_TOKENS = 10
"""New tokens after which generation counts as not stopped."""


@uses("generation")
def test_stops_where_told(tokenizer: Any, generator: Any, record: Record) -> None:
    """Each stop condition ends generation at its token: stop ids, stop strings, length limits, custom criteria.

    Why: an ignored condition costs tokens up to the limit, and a tool call or an answer continues with invented text.
        One that stops too early cuts answers.
    Fix: Look for `generate` or `_get_stopping_criteria` in the model's own code, and compare with another version of
        transformers.
    Source: https://huggingface.co/docs/transformers/main_classes/text_generation (parameters that control the length)
    """
    inputs = forced_tokens.prompt(generator, tokenizer)
    start = generate.start_of_answer(generator, inputs)
    found, refused = _run(generator, inputs, list(conditions(generator, tokenizer, start)))
    record.capability("generation.rejected_stop_conditions", ", ".join(refused) or "none", evidence=refused)
    broken = [(each, ids) for each, ids in found if not each.holds(ids)]
    if broken:
        condition, ids = broken[0]
        raise Defect(_summary(condition, ids), evidence={each.name: _as_json(each, new) for each, new in broken})


def _run(
    model: Any, inputs: dict[str, Any], asked: list[Condition]
) -> tuple[list[tuple[Condition, list[int]]], dict[str, str]]:
    """Returns the new ids under each condition, and the reasons of those that are refused.

    Raises:
        Refused: all are refused.
    """
    found, refused = [], {}
    for condition in asked:
        try:
            found.append((condition, _new_ids(model, inputs, condition)))
        except Refused as refusal:
            refused[condition.name] = refusal.summary
            if len(refused) == len(asked):
                raise
    return found, refused


def _new_ids(model: Any, inputs: dict[str, Any], condition: Condition) -> list[int]:
    """Returns the new ids under a condition."""
    settings = dict(condition.settings)
    if not {"max_new_tokens", "max_length"} & set(settings):
        settings["max_new_tokens"] = MAX_NEW_TOKENS
    with forced_tokens.plain_settings(model, eos_token_id=settings.pop("eos_token_id", None)):
        output = forced_tokens.generated(model, inputs, forced=[condition.forced], **settings)
        return forced_tokens.new_ids(model, inputs, output)[0]


def _summary(condition: Condition, ids: list[int]) -> str:
    wanted = condition.expected if isinstance(condition.expected, int) else len(condition.expected)
    if len(ids) == wanted:
        return f"{condition.name} has another effect than documented: not all of the {wanted} new tokens are correct."
    effect = "is ignored" if len(ids) > wanted else "stops too early"
    return f"{condition.name} {effect}: {len(ids)} new tokens instead of {wanted}."


def _as_json(condition: Condition, ids: list[int]) -> dict[str, Any]:
    settings = {name: value for name, value in condition.settings.items() if isinstance(value, (int, list))}
    return {"settings": settings, "led to say": condition.forced, "expected": condition.expected, "generated": ids}
