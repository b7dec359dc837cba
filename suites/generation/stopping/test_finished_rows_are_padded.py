from __future__ import annotations

from typing import Any

from fixtures.session.uses import uses
from suites.findings import Blocked, Defect, NotApplicable
from suites.running import forced_tokens

ROWS = 4
TEXT = "alpha beta gamma delta epsilon"


@uses("generation")
def test_finished_rows_are_padded(tokenizer: Any, generator: Any) -> None:
    """A row ends at any of the declared stop tokens, and is filled with `pad_token_id` while other rows continue.

    Why: any other token after the end of a row looks like part of the answer, and a row that does not end costs tokens.
    Fix: Set `pad_token_id` and `eos_token_id` in generation_config.json to ids that the model has.
    Source: https://huggingface.co/docs/transformers/main_classes/text_generation (pad_token_id, eos_token_id)
    """
    stops = forced_tokens.stops(generator)[:ROWS]
    if not stops:
        raise NotApplicable("no stop token is declared, so no row of a batch ends early")
    words = [each for each in forced_tokens.text_ids(generator, tokenizer, TEXT) if each not in stops]
    forced = [[*words[: 1 + number], stop] for number, stop in enumerate(stops)] + [words]
    inputs = forced_tokens.prompt(generator, tokenizer, rows=len(forced))
    pad = forced_tokens.padding(generator)
    with forced_tokens.plain_settings(generator, eos_token_id=stops):
        output = forced_tokens.generated(generator, inputs, forced=forced, max_new_tokens=len(stops) + 2)
    rows = list(zip(forced, forced_tokens.new_ids(generator, inputs, output), strict=True))
    wrong = next((each for each in rows if _after_end(*each, stops) - {pad}), None)
    if wrong and _goes_on(generator, tokenizer, wrong[0], stops):
        raise Blocked("generation/stops-where-told", "a single row does not end at its stop token either")
    if wrong:
        raise _finding(tokenizer, *wrong, pad, stops)


def _end(forced: list[int], row: list[int], stops: list[int]) -> int:
    """Position behind the stop token of a row; its length if it has none."""
    return next((index + 1 for index, each in enumerate(forced) if each in stops), len(row))


def _after_end(forced: list[int], row: list[int], stops: list[int]) -> set[int]:
    return set(row[_end(forced, row, stops) :])


def _goes_on(model: Any, tokenizer: Any, forced: list[int], stops: list[int]) -> bool:
    """True if a row on its own does not end at its stop token."""
    inputs = forced_tokens.prompt(model, tokenizer)
    with forced_tokens.plain_settings(model, eos_token_id=stops):
        output = forced_tokens.generated(model, inputs, forced=[forced], max_new_tokens=len(forced) + 2)
    return len(forced_tokens.new_ids(model, inputs, output)[0]) > len(forced)


def _finding(tokenizer: Any, forced: list[int], row: list[int], pad: int, stops: list[int]) -> Defect:
    end, rest = _end(forced, row, stops), sorted(_after_end(forced, row, stops) - {pad})
    return Defect(
        f"After its stop token {_token(tokenizer, forced[end - 1])} a row of a batch contains "
        f"{_token(tokenizer, rest[0])} instead of the pad token {_token(tokenizer, pad)}.",
        evidence={"row": row, "pad_token_id": pad, "eos_token_id": stops},
    )


def _token(tokenizer: Any, number: int) -> str:
    return f"{tokenizer.convert_ids_to_tokens(number)!r} (id {number})"
