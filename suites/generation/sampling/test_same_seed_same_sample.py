from __future__ import annotations

from typing import Any

from fixtures.text.differences import first_difference
from suites.findings import Defect, Unsupported
from suites.running import forced_tokens
from suites.running.seeds import seeded

TOKENS, RETURNED = 6, 2


def test_same_seed_same_sample(tokenizer: Any, generator: Any) -> None:
    """Sampling twice with one seed gives the same tokens, in every returned sequence.

    Why: an evaluation or a bug report that samples can only be repeated by its seed.
    Fix: Look for code of the model that draws random numbers of its own, or seeds them anew.
    Source: https://pytorch.org/docs/stable/notes/randomness.html
    """
    inputs = forced_tokens.prompt(generator, tokenizer)
    first, second = (_drawn(generator, inputs) for _ in range(2))
    one, other = ([int(each) for each in run.sequences.flatten()] for run in (first, second))
    if len(first.sequences) != RETURNED:
        raise Defect(f"{RETURNED} sequences were asked for, {len(first.sequences)} came back.")
    if one == other:
        return
    step = next(number for number in range(TOKENS) if not _same_choice(first, second, number))
    if not bool((first.logits[step] == second.logits[step]).all()):
        raise Unsupported("the logits of one prompt differ from call to call (see generation/greedy-deterministic)")
    raise Defect(
        f"Two samples with one seed differ from new token {step} on, although their logits are equal: "
        "the draw does not follow torch's seed.",
        evidence={"first": one, "second": other, "position": first_difference(one, other)},
    )


def _drawn(model: Any, inputs: dict[str, Any]) -> Any:
    with forced_tokens.plain_settings(model), seeded(model):
        return forced_tokens.generated(model, inputs, do_sample=True, top_k=0, max_new_tokens=TOKENS,
                                  num_return_sequences=RETURNED, return_dict_in_generate=True,
                                  output_logits=True)  # fmt: skip


def _same_choice(first: Any, second: Any, step: int) -> bool:
    place = step - TOKENS
    return bool((first.sequences[:, place] == second.sequences[:, place]).all())
