from __future__ import annotations

from typing import Any

from fixtures.session.uses import uses
from fixtures.text.differences import first_difference
from suites.findings import Blocked, Defect
from suites.running import forced_tokens
from suites.running.seeds import seeded

TOKENS, RETURNED = 6, 2


@uses("generation")
def test_same_seed_same_sample(tokenizer: Any, generator: Any) -> None:
    """Sampling twice with the same seed gives the same tokens in every returned sequence.

    Why: an evaluation or a bug report with sampling can only be reproduced by its seed.
    Fix: Look for code of the model that uses its own random numbers, or sets the seed.
    Source: https://pytorch.org/docs/stable/notes/randomness.html
    """
    inputs = forced_tokens.prompt(generator, tokenizer)
    first, second = (_drawn(generator, inputs) for _ in range(2))
    one, other = ([int(each) for each in run.sequences.flatten()] for run in (first, second))
    if len(first.sequences) != RETURNED:
        raise Defect(f"num_return_sequences={RETURNED} returns {len(first.sequences)} sequences.")
    if one != other:
        step = next(number for number in range(TOKENS) if not _same_choice(first, second, number))
        if not bool((first.logits[step] == second.logits[step]).all()):
            raise Blocked("generation/greedy-deterministic", "the logits of one prompt differ from call to call")
        raise Defect(
            f"Two samples with the same seed differ from new token {step} on, although their logits are equal: "
            "sampling does not use torch's seed.",
            evidence={"first": one, "second": other, "position": first_difference(one, other)},
        )


def _drawn(model: Any, inputs: dict[str, Any]) -> Any:
    with forced_tokens.plain_settings(model), seeded(model):
        return forced_tokens.generated(
            model,
            inputs,
            do_sample=True,
            top_k=0,
            max_new_tokens=TOKENS,
            num_return_sequences=RETURNED,
            return_dict_in_generate=True,
            output_logits=True,
        )


def _same_choice(first: Any, second: Any, step: int) -> bool:
    column = step - TOKENS
    return bool((first.sequences[:, column] == second.sequences[:, column]).all())
