from __future__ import annotations

from typing import Any

from fixtures.session.uses import uses
from suites.findings import Defect, NotApplicable
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
    for ids, row in zip(forced, forced_tokens.new_ids(generator, inputs, output), strict=True):
        _must_end(tokenizer, ids, row, pad, stops)


def _must_end(tokenizer: Any, forced: list[int], row: list[int], pad: int, stops: list[int]) -> None:
    __tracebackhide__ = True
    end = next((index + 1 for index, each in enumerate(forced) if each in stops), len(row))
    rest = sorted(set(row[end:]) - {pad})
    if rest:
        raise Defect(
            f"After its stop token {_token(tokenizer, forced[end - 1])} a row of a batch contains "
            f"{_token(tokenizer, rest[0])} instead of the pad token {_token(tokenizer, pad)}.",
            evidence={"row": row, "pad_token_id": pad, "eos_token_id": stops},
        )


def _token(tokenizer: Any, number: int) -> str:
    return f"{tokenizer.convert_ids_to_tokens(number)!r} (id {number})"
