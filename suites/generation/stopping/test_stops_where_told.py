from __future__ import annotations

from typing import Any

from suites.findings import Defect, Record, Unsupported
from suites.generation.stopping.conditions import Condition, conditions
from suites.running import forced_tokens, generate

LIMIT = 10
"""New tokens after which a generation counts as one that did not stop."""


def test_stops_where_told(tokenizer: Any, generator: Any, record: Record) -> None:
    """Each stop condition ends the generation at its token: stop ids, stop strings, limits of length, own criteria.

    Why: a condition that is ignored costs tokens up to the limit, and a tool call or an answer runs on into made-up
        text; one that ends too early cuts answers.
    Fix: Look for a `generate` or a `_get_stopping_criteria` of the model's own code, and compare with another version
        of transformers.
    Source: https://huggingface.co/docs/transformers/main_classes/text_generation (parameters that control the length)
    """
    inputs = forced_tokens.prompt(generator, tokenizer)
    start = generate.start_of_answer(generator, inputs)
    found, refused = _tried(generator, inputs, list(conditions(generator, tokenizer, start)))
    record.capability("generation.rejected_stop_conditions", ", ".join(refused) or "none", evidence=refused)
    ignored = [(each, ids) for each, ids in found if not each.kept(ids)]
    if ignored:
        condition, ids = ignored[0]
        raise Defect(_summary(condition, ids), evidence={each.name: _shown(each, new) for each, new in ignored})


def _tried(
    model: Any, inputs: dict[str, Any], asked: list[Condition]
) -> tuple[list[tuple[Condition, list[int]]], dict[str, str]]:
    """The new ids under each condition, and why some were refused; a model that refuses all of them is unsupported."""
    found, refused = [], {}
    for condition in asked:
        try:
            found.append((condition, _said(model, inputs, condition)))
        except Unsupported as refusal:
            refused[condition.name] = refusal.summary
            if len(refused) == len(asked):
                raise
    return found, refused


def _said(model: Any, inputs: dict[str, Any], condition: Condition) -> list[int]:
    """The new ids under a condition."""
    settings = dict(condition.settings)
    if not {"max_new_tokens", "max_length"} & set(settings):
        settings["max_new_tokens"] = LIMIT
    with forced_tokens.plain_settings(model, eos_token_id=settings.pop("eos_token_id", None)):
        output = forced_tokens.generated(model, inputs, says=[condition.says], **settings)
        return forced_tokens.new_ids(model, inputs, output)[0]


def _summary(condition: Condition, ids: list[int]) -> str:
    wanted = condition.expected if isinstance(condition.expected, int) else len(condition.expected)
    if len(ids) == wanted:
        return f"{condition.name} does not rule the generation: of {wanted} new tokens not all are the expected ones."
    how = "is ignored" if len(ids) > wanted else "stops too early"
    return f"{condition.name} {how}: {len(ids)} new tokens where {wanted} are right."


def _shown(condition: Condition, ids: list[int]) -> dict[str, Any]:
    settings = {name: value for name, value in condition.settings.items() if isinstance(value, (int, list))}
    return {"settings": settings, "led to say": condition.says, "expected": condition.expected, "generated": ids}
