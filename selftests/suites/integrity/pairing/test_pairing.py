"""The pairing checks on a real model: its own files fit, others are reported with the cause."""

from __future__ import annotations

import copy
import random
from types import SimpleNamespace

import pytest

from fixtures import builtin
from fixtures.templates.chat import Chat
from fixtures.text.differences import first_difference
from suites.integrity.pairing import turn_ends
from suites.integrity.pairing.test_template_fits_weights import MIN_HIGHEST
from suites.integrity.pairing.test_tokenizer_fits_weights import best_shift, causal, misfit, shifted
from suites.scoring import likelihood, noise, tokenizer_fit
from suites.scoring.likelihood import IdMap, Likelihood, Prediction

TOKENS = 240
HEADERS = (
    "{% for m in messages %}<|start_header_id|>{{ m['role'] }}<|end_header_id|>\n\n"
    "{{ m['content'] }}<|eot_id|>{% endfor %}"
)
LLAMA_2 = (
    "{% for m in messages %}{% if m['role'] == 'user' %}[INST] {{ m['content'] }} [/INST]"
    "{% else %} {{ m['content'] }} </s>{% endif %}{% endfor %}"
)


@pytest.fixture(scope="module")
def smollm2() -> SimpleNamespace:
    """Model, tokenizer and a little text; skips where the package is not installed."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    try:
        directory = builtin.directory("smollm2")
    except builtin.BuiltinUnavailable as missing:
        pytest.skip(str(missing))
    tokenizer = AutoTokenizer.from_pretrained(directory)
    model = AutoModelForCausalLM.from_pretrained(directory, dtype=torch.bfloat16).eval()
    return SimpleNamespace(model=model, tokenizer=tokenizer, rows=likelihood.texts(tokenizer, TOKENS))


def strange(subject: SimpleNamespace, move: IdMap) -> tuple[Likelihood, int | None]:
    found = likelihood.measure(subject.model, subject.rows, move)
    return found, tokenizer_fit.first_unknown_id(found, tokenizer_fit.chance_loss(subject.tokenizer))


def test_its_own_tokenizer_fits(smollm2: SimpleNamespace) -> None:
    """The order of ids is worth nats per token: far more than noise."""
    found, start = strange(smollm2, lambda number: number)
    assert start is None
    assert found.gain > 3
    assert found.loss < tokenizer_fit.chance_loss(smollm2.tokenizer) - 4
    assert noise.excess(smollm2.model.get_input_embeddings().weight) > 5


def test_another_order_of_the_vocabulary_is_strange(smollm2: SimpleNamespace) -> None:
    order = list(range(len(smollm2.tokenizer)))
    random.Random(0).shuffle(order)
    found, start = strange(smollm2, lambda number: order[number])
    assert start == 0
    assert found.loss > tokenizer_fit.chance_loss(smollm2.tokenizer)


def test_a_shift_is_named(smollm2: SimpleNamespace) -> None:
    """A token too many among the first shifts all that follow by one."""
    fixed = range(17)
    ordinary = {*range(len(smollm2.tokenizer))} - {*fixed}
    shift = shifted(ordinary, 1)
    rows = [(group, [*map(shift, row)]) for group, row in smollm2.rows]
    found = likelihood.measure(smollm2.model, rows)
    assert tokenizer_fit.first_unknown_id(found, tokenizer_fit.chance_loss(smollm2.tokenizer)) == 0
    assert best_shift(smollm2.model, rows, 0, found, fixed) == -1


def test_a_shift_within_the_vocabulary_is_reported_with_its_start(smollm2: SimpleNamespace) -> None:
    """Half of the text is as it was; the rest means nothing."""
    found, start = strange(smollm2, lambda number: number - 1 if number >= 9_000 else number)
    assert start is not None
    assert 500 < start < 25_000
    assert f"ids from about {start} on" in str(misfit(found, start, None, 10.8))


def test_the_tokenizer_of_another_family_is_strange(smollm2: SimpleNamespace) -> None:
    """Every id of Mistral's has a row."""
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(builtin.directory("mistral-v3-tokenizer"))
    except builtin.BuiltinUnavailable as missing:
        pytest.skip(str(missing))
    found = likelihood.measure(smollm2.model, likelihood.texts(tokenizer, TOKENS))
    assert tokenizer_fit.first_unknown_id(found, tokenizer_fit.chance_loss(tokenizer)) == 0


@pytest.mark.parametrize(("template", "known"), [(None, True), (HEADERS, False), (LLAMA_2, False)])
def test_only_its_own_template_ends_turns(smollm2: SimpleNamespace, template: str | None, known: bool) -> None:
    """The probability of the end of a turn behind finished answers."""
    tokenizer = copy.deepcopy(smollm2.tokenizer)  # renders of a template are cached by tokenizer
    tokenizer.chat_template = template or tokenizer.chat_template
    found = turn_ends.turn_ends(Chat(tokenizer), smollm2.model, {2})
    assert len(found) == len(turn_ends.ANSWERS)
    assert (max(each.probability for each in found) >= MIN_HIGHEST) is known


def test_the_model_is_causal(smollm2: SimpleNamespace) -> None:
    assert causal(smollm2.model, smollm2.rows[0][1])


def test_noise_is_no_training() -> None:
    """Also noise of unequal width, and with rows of padding; a direction that all rows share is."""
    import torch

    torch.manual_seed(0)
    drawn = torch.randn(500, 64) * torch.rand(500, 1)
    drawn[3] = 0
    assert noise.excess(drawn) < noise.NOISE
    assert noise.excess(drawn + 0.5 * torch.randn(64)) > noise.NOISE
    assert noise.excess(torch.zeros(500, 64)) == 0


def uniform(group: str, tokens: range, loss: float, gain: float) -> list[Prediction]:
    choose = random.Random(0)
    return [Prediction(group, token, loss, loss + gain + choose.gauss(0, 1)) for token in tokens]


@pytest.mark.parametrize(
    ("low", "high", "loss", "start"),
    [(3.0, 3.0, 4.0, None), (0.0, 0.0, 9.0, 0), (0.0, 0.0, 4.0, None), (3.0, 0.0, 9.0, 50), (0.4, 0.1, 9.0, None)],
)
def test_where_order_is_worth_nothing(low: float, high: float, loss: float, start: int | None) -> None:
    """A model that is better than chance is not reported, nor are small differences."""
    found = Likelihood([
        each
        for group in ("english", "code")
        for each in (*uniform(group, range(50), 3.0, low), *uniform(group, range(50, 100), loss, high))
    ])  # fmt: skip
    if low == high:
        found = Likelihood([*uniform("english", range(100), loss, low), *uniform("code", range(100), loss, low)])
    assert tokenizer_fit.first_unknown_id(found, 7.0) == start


def test_without_text_nothing_is_strange() -> None:
    assert tokenizer_fit.first_unknown_id(Likelihood([]), 7.0) is None


def test_an_ending_that_joins_the_full_stop_is_found(smollm2: SimpleNamespace) -> None:
    """The tokenizer may join the end of the answer with plain text of the template that follows."""
    whole = smollm2.tokenizer("It is.</s>").input_ids
    start = smollm2.tokenizer("It is.").input_ids
    assert 0 < first_difference(whole, start) <= len(start)
