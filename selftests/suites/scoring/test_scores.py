"""The scorer against computations of a few lines, on random models of many kinds."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy
import pytest

from suites import scoring
from suites.findings import Limit
from suites.scoring import packing
from suites.scoring.body_and_head import SplitReader, reader
from suites.scoring.rows import continuation_row, windows

WORDS, WINDOW = 99, 64
COMMON = {
    "vocab_size": WORDS,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": WINDOW,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
GPT2 = {"vocab_size": WORDS, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": WINDOW}
MAMBA = {"vocab_size": WORDS, "hidden_size": 32, "num_hidden_layers": 2, "state_size": 8}
BLOOM = {"vocab_size": WORDS, "hidden_size": 32, "n_layer": 2, "n_head": 4}
OPT = {"vocab_size": WORDS, "hidden_size": 32, "ffn_dim": 48, "word_embed_proj_dim": 32, "num_hidden_layers": 2}
KINDS: dict[str, tuple[str, dict[str, Any], bool]] = {
    "Llama": ("LlamaConfig", COMMON, True),
    "learned positions": ("GPT2Config", GPT2, True),
    "soft cap": ("Gemma2Config", COMMON | {"head_dim": 8, "sliding_window": 24, "final_logit_softcapping": 0.5}, True),
    "scaled logits": ("CohereConfig", COMMON | {"logit_scale": 0.3}, True),
    "recurrent": ("MambaConfig", MAMBA, False),
    "convolutions": ("Lfm2Config", COMMON | {"full_attn_idxs": [1]}, False),
    "sliding window": ("MistralConfig", COMMON | {"sliding_window": 24}, True),
    "experts": ("MixtralConfig", COMMON | {"num_local_experts": 4}, True),
    "no positions": ("BloomConfig", BLOOM, False),
    "head past the base": ("OPTConfig", OPT | {"num_attention_heads": 4, "max_position_embeddings": WINDOW}, True),
}
"""Config class, its values, and whether continuations can be packed behind a context of a few tokens."""


def model(kind: str) -> Any:
    """A random model; its weights are enlarged, so that what a token depends on shows."""
    import torch
    import transformers

    name, values, _ = KINDS[kind]
    torch.manual_seed(0)
    made = transformers.AutoModelForCausalLM.from_config(getattr(transformers, name)(**values)).eval()
    with torch.no_grad():
        for parameter in made.parameters():
            if parameter.ndim > 1:
                parameter.mul_(4)
    return made


def text(length: int, seed: int = 0) -> list[int]:
    draw = random.Random(f"{length} {seed}")
    return [draw.randrange(3, WORDS) for _ in range(length)]


def distributions(made: Any, ids: Sequence[int]) -> Any:
    """Log-probabilities (positions x vocabulary, float64) by one plain forward pass."""
    import torch

    with torch.inference_mode():
        return made(torch.tensor([list(ids)])).logits[0].double().log_softmax(-1).numpy()


def expected(made: Any, context: list[int], answer: list[int]) -> tuple[float, bool]:
    ids = (context + answer)[-WINDOW - 1 : -1]
    found = distributions(made, ids)[-len(answer) :]
    return float(found[range(len(answer)), answer].sum()), found.argmax(-1).tolist() == answer


@pytest.mark.parametrize("kind", KINDS)
def test_continuations_are_as_likely_as_one_by_one(kind: str) -> None:
    """Contexts below, at and beyond a local window, answers of one and of several tokens, a text that is cut."""
    made = model(kind)
    requests = [(text(length), text(size)) for length in (9, 20, 40) for size in (1, 1, 3, 5)]
    requests += [(text(90), text(7)), (text(9), distributions(made, text(9)).argmax(-1)[-1:].tolist())]
    random.Random(0).shuffle(requests)
    got = scoring.continuations(made, requests, window=WINDOW)
    wanted = [expected(made, context, answer) for context, answer in requests]
    assert [each.logprob for each in got] == pytest.approx([value for value, _ in wanted], rel=1e-5)
    assert [each.greedy for each in got] == [greedy for _, greedy in wanted]
    assert any(each.greedy for each in got)
    assert (reader(made).packs_up_to > 0) is KINDS[kind][2]


@pytest.mark.parametrize("kind", KINDS)
def test_the_head_runs_only_where_it_must(kind: str) -> None:
    """In parts, these models give the logits of the whole: the soft cap, the scale and the bias are not lost."""
    assert isinstance(reader(model(kind)), SplitReader)


@pytest.mark.parametrize("kind", KINDS)
def test_rolling_scores_every_token_once(kind: str) -> None:
    made, texts = model(kind), [text(40), [], text(1), text(16), text(33)]
    got = scoring.rolling(made, texts, prefix=1, window=16)
    for given, values in zip(texts, got, strict=True):
        whole = [1, *given]
        ends = [min(start + 16, len(given)) for start in range(0, len(given), 16) for _ in range(16)][: len(given)]
        passes = [(distributions(made, whole[max(0, end - 16) : end]), max(0, end - 16)) for end in ends]
        wanted = [found[index - start, given[index]] for index, (found, start) in enumerate(passes)]
        assert values == pytest.approx(numpy.array(wanted), rel=1e-5, abs=1e-5)


def test_two_models_are_compared_as_ten_lines_do_it() -> None:
    full, other = model("Llama"), model("Llama")
    other.lm_head.weight.data[5] += 0.5
    texts = [text(30), text(7), text(50)]
    got = list(scoring.compare(full, other, texts, prefix=1, window=16, batch_tokens=64))
    seen = {pair for chunk in got for pair in zip(chunk.text.tolist(), chunk.position.tolist(), strict=True)}
    assert len(seen) == sum(map(len, texts))
    for chunk in got:
        for index, (number, position, token) in enumerate(zip(chunk.text, chunk.position, chunk.token, strict=True)):
            given = texts[number]
            assert given[position] == token
            end = min((position // 16 + 1) * 16, len(given))
            start = max(0, end - 16)
            one, two = (distributions(each, [1, *given][start:end])[position - start] for each in (full, other))
            assert chunk.kl[index] == pytest.approx(float((numpy.exp(one) * (one - two)).sum()), rel=1e-4, abs=1e-9)
            assert (chunk.full[index], chunk.other[index]) == pytest.approx((one[token], two[token]), rel=1e-5)
            assert chunk.agree[index] == (one.argmax() == two.argmax())


def test_a_model_is_no_distance_from_itself() -> None:
    made = model("Llama")
    (chunk,) = scoring.compare(made, made, [text(20)])
    assert not chunk.kl.any()
    assert list(chunk.position) == list(range(1, 20))


def test_nan_is_not_hidden() -> None:
    made = model("Llama")
    made.lm_head.weight.data[3] = float("nan")
    (values,) = scoring.rolling(made, [text(5)], prefix=1)
    (chunk,) = scoring.compare(made, made, [text(5)])
    assert numpy.isnan(values).all()
    assert numpy.isnan(chunk.kl).all()


def test_a_context_is_read_once() -> None:
    import torch

    made, read = model("Llama"), []
    made.model.embed_tokens.register_forward_hook(lambda module, inputs, output: read.append(inputs[0].numel()))
    context = text(40)
    scoring.continuations(made, [(context, text(4, seed)) for seed in range(8)])
    before = sum(read)
    scoring.continuations(made, [(context, text(4, seed)) for seed in range(8)])
    assert sum(read) - before == 40 + 8 * 3
    assert torch.is_grad_enabled()


def test_packed_rows_hold_each_answer_once() -> None:
    row = packing.packed_row((7, 8), [(1,), (2, 3, 4), (5, 6)])
    assert row.ids == (7, 8, 2, 3, 5)
    assert row.at == (1, 1, 2, 3, 1, 4)
    assert row.targets == (1, 2, 3, 4, 5, 6)
    assert row.branches == (0, 0, 2, 2, 3)
    assert row.positions == (0, 1, 2, 3, 2)
    alone, own = packing.last_alone(row)
    assert alone == continuation_row([7, 8], [5, 6])
    assert row.targets[own.start :] == (5, 6)


def test_equal_requests_are_scored_once_and_rows_fit() -> None:
    rows = [continuation_row([7, 8], answer) for answer in ([1, 2, 3], [1, 2, 3], [4, 5, 6], [9], [1, 3, 3])]
    made, shares = packing.packed(rows, limit=6, tokens=6)
    assert [len(row.ids) for row in made] == [6, 4]
    assert shares[0] == shares[1]
    assert [made[share.row].targets[share.first] for share in shares] == [1, 1, 4, 9, 1]
    alone, _ = packing.packed(rows, limit=0, tokens=6)
    assert not any(row.branches for row in alone)


def test_windows_are_those_of_lm_eval() -> None:
    utils = pytest.importorskip("lm_eval.utils", reason="the extra lm-eval is not installed")
    for length in (1, 7, 8, 9, 16, 17, 40):
        given = text(length)
        theirs = [*map(utils.make_disjoint_window, utils.get_rolling_token_windows(given, 1, 8, 1))]
        assert list(windows(given, 1, 8)) == [continuation_row(context, answer) for context, answer in theirs]


def test_log_likelihoods_are_those_of_lm_eval() -> None:
    huggingface = pytest.importorskip("lm_eval.models.huggingface", reason="the extra lm-eval is not installed")
    from transformers import AutoTokenizer

    from fixtures import builtin

    made = model("Llama")
    tokenizer = AutoTokenizer.from_pretrained(builtin.directory("tiny-text-generation"))
    lm = huggingface.HFLM(pretrained=made, tokenizer=tokenizer, batch_size=1, max_length=WINDOW)
    requests = [(text(length), text(size)) for length in (1, 9, 40, 90) for size in (1, 3, 30)]
    theirs = lm._loglikelihood_tokens([(None, *each) for each in requests], disable_tqdm=True)
    ours = scoring.continuations(made, requests, window=WINDOW)
    assert [each.logprob for each in ours] == pytest.approx([value for value, _ in theirs], rel=1e-5)
    assert [each.greedy for each in ours] == [greedy for _, greedy in theirs]


@pytest.mark.parametrize(("request_", "message"), [(([], [3]), "prefix"), (([3], text(WINDOW + 1)), "longer than")])
def test_what_cannot_be_scored_is_refused(request_: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        scoring.continuations(model("Llama"), [request_])


def test_an_empty_context_is_the_prefix_and_an_empty_answer_is_certain() -> None:
    made = model("Llama")
    empty, one, nothing = scoring.continuations(made, [([], [3, 4]), ([1], [3, 4]), ([3, 4], [])], prefix=1)
    assert empty == one
    assert nothing == scoring.ContinuationScore(0.0, 0, True)


def test_encoder_decoders_are_recognised() -> None:
    import transformers

    config = transformers.T5Config(vocab_size=WORDS, d_model=16, d_ff=16, d_kv=8, num_layers=1, num_heads=2)
    with pytest.raises(Limit, match="encoder-decoder"):
        scoring.rolling(transformers.T5ForConditionalGeneration(config), [text(5)], prefix=1)
