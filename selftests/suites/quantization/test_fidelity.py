"""Helpers of the fidelity and quality checks, compared with independent computations."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

import numpy
import pytest

from fixtures import builtin
from fixtures.inputs import corpora, data_sources, items
from fixtures.inputs.corpora.corpus import Text
from suites import scoring
from suites.findings import Defect
from suites.quantization.fidelity import accuracy, figures, test_no_domain_lost
from suites.quantization.fidelity.comparison import Fidelity
from suites.scoring import dequantized, instruction_rules
from suites.scoring import items as scored_items
from suites.scoring.items import Mark
from suites.scoring.passages import Passage


def comparison(kl: Any, tokens: int = 64, **fields: Any) -> Fidelity:
    """Returns a comparison with the given divergence (texts x tokens)."""
    kl = numpy.asarray(kl, dtype=float)
    texts = len(kl)
    passages = [Passage(Text(f"t/{each}", f"domain {each}", "en", "x"), tuple(range(tokens))) for each in range(texts)]
    shape = texts * tokens
    columns = {"token": numpy.zeros(shape, int), "full": numpy.full(shape, -2.0), "other": numpy.full(shape, -2.1)}
    columns |= {"kl": kl.ravel(), "agree": numpy.ones(shape, bool)} | fields
    position, text = numpy.tile(numpy.arange(tokens), texts), numpy.repeat(numpy.arange(texts), tokens)
    columns |= {"text": text, "position": position}
    return Fidelity(**columns, passages=passages, through="", version="1")


def test_divergence_equals_a_direct_computation() -> None:
    """Two models, position by position, in double precision, with no library call but the forward pass."""
    import torch
    from transformers import AutoModelForCausalLM

    full = AutoModelForCausalLM.from_pretrained(builtin.directory("tiny-text-generation")).eval()
    other = AutoModelForCausalLM.from_pretrained(builtin.directory("tiny-text-generation")).eval()
    other.base_model.layers[0].mlp.up_proj.weight.data *= 1.2
    ids = [[5, 99, 300, 301, 17, 256, 300], [44, 45, 46]]
    expected = {}
    for text, row in enumerate(ids):
        with torch.no_grad():
            logits = [model(torch.tensor([row])).logits[0].double().numpy() for model in (full, other)]
        p, q = (numpy.exp(each) / numpy.exp(each).sum(axis=1, keepdims=True) for each in logits)
        for index in range(len(row) - 1):
            divergence = sum(p[index] * numpy.log(p[index] / q[index]))
            target = row[index + 1]
            expected[text, index + 1] = (divergence, math.log(p[index, target]), math.log(q[index, target]))
    found = {}
    for chunk in scoring.compare(full, other, ids):
        for index in range(len(chunk.kl)):
            key = int(chunk.text[index]), int(chunk.position[index])
            found[key] = (chunk.kl[index], chunk.full[index], chunk.other[index])
    assert found.keys() == expected.keys()
    for key, values in expected.items():
        assert found[key] == pytest.approx(values, rel=1e-4, abs=1e-7)
        assert found[key][0] >= -1e-12


def test_stored_states_change_nothing() -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(builtin.directory("tiny-text-generation")).eval()
    states: dict[int, Any] = {}
    runs = [list(scoring.compare(model, model, [[5, 9, 300], [7, 8]], states=states)) for _ in range(2)]
    assert states
    for one, two in zip(*runs, strict=True):
        assert numpy.array_equal(one.full, two.full)
        assert numpy.array_equal(one.kl, numpy.zeros(len(one.kl)))


def test_ordinary_layers_replace_quantized_ones_for_a_while() -> None:
    import torch

    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
    own, other = model[1], torch.nn.Linear(2, 2)
    loaded: Any = SimpleNamespace(
        model=model, shared={dequantized.KEY: dequantized.DequantizedLayers({"1": other}, "")}
    )
    with dequantized.active(loaded):
        assert model[1] is other
    assert model[1] is own


def test_a_percentile_has_an_interval_over_blocks() -> None:
    random = numpy.random.default_rng(0)
    values, block = random.normal(size=2000), numpy.repeat(numpy.arange(40), 50)
    low, high = figures.percentile_interval(values, block, 0.5)
    assert low < numpy.median(values) < high
    assert high - low < 0.3


def test_positions_and_domains_are_means_of_their_tokens() -> None:
    found = comparison([[1.0] * 64, [3.0] * 64, [2.0] * 64])
    assert [point[:2] for point in figures.by_domain(found)] == [
        ["domain 0", 1.0],
        ["domain 1", 3.0],
        ["domain 2", 2.0],
    ]
    assert {point[1] for point in figures.by_position(found)} == {2.0}


def test_a_domain_is_compared_with_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def judge(kl: Any) -> None:
        monkeypatch.setattr(test_no_domain_lost, "fidelity", lambda *given: comparison(kl))
        test_no_domain_lost.test_no_domain_lost(*[None] * 5)  # type: ignore[arg-type]

    judge([[0.1] * 64, [0.4] * 64, [0.1] * 64, [0.1] * 64])  # a small divergence, whatever the others have
    judge([[1.0] * 64, [2.0] * 64, [1.0] * 64, [1.1] * 64])  # all alike
    with pytest.raises(Defect, match="domain 1 is lost"):
        judge([[0.1] * 64, [2.0] * 64, [0.1] * 64, [0.2] * 64])


def marks(right: int, of: int, chance: float = 0.25) -> list[Mark]:
    return [Mark(str(each), "s", each < right, chance) for each in range(of)]


def test_accuracy_is_lost_beyond_doubt_only() -> None:
    accuracy.refuse_lost_accuracy({"choice": marks(40, 80)}, {"choice": marks(34, 80)})
    accuracy.refuse_lost_accuracy({"choice": marks(20, 80)}, {"choice": marks(10, 80)})  # it knew nothing
    with pytest.raises(Defect, match="10 of 80 items"):
        accuracy.refuse_lost_accuracy({"choice": marks(70, 80)}, {"choice": marks(10, 80)})


@pytest.mark.parametrize(
    ("rule", "follows", "breaks"),
    [
        ("words 1 1", "Rome", "It is Rome."),
        ("sentences 2 2", "It snows. It is cold.", "It snows."),
        ("bullets 3 3", "- a\n- b\n- c", "- a, b, c"),
        ("numbered 2 2", "1. a\n2. b", "a\nb"),
        ("lines 2 2", "a\n\nb", "a b"),
        ("contains 1, 2, 3", "Here: 1, 2, 3", "1 2 3"),
        ("without ,", "no comma here", "one, two"),
        ("starts Yes", "Yes, it is.", "It is."),
        ("ends That is all.", "A cat. That is all.", "A cat."),
        ("times ship 2", "ship ship", "shipship ship"),
        ("upper", "SPRING!", "Spring!"),
        ("lower", "spring", "Spring"),
        ("exactly The ferry leaves.", '"The ferry leaves."', "The ferry leaves. Yes."),
        ("json name age", '```json\n{"name": "A", "age": 3}\n```', '{"name": "A"}'),
        ("jsonlist 3", "[1, 2, 3]", "[1, 2]"),
        ("language german", "Die Katze ist ein Tier.", "The cat sits."),
        ("language russian", "Море синее.", "The sea."),
    ],
)
def test_rules_are_verified(rule: str, follows: str, breaks: str) -> None:
    assert not instruction_rules.violated(follows, (rule,))
    assert instruction_rules.violated(breaks, (rule,)) == [rule]


def test_our_items_are_sound() -> None:
    """Every kind is there, ids are unique, right choices are among the choices, and every rule exists."""
    every = items.for_profile("exhaustive")
    assert len(every.choice) + len(every.cloze) + len(every.answers) + len(every.instructions) >= 300
    assert len(
        {each.id for kind in (every.choice, every.cloze, every.answers, every.instructions) for each in kind}
    ) == (len(every.choice) + len(every.cloze) + len(every.answers) + len(every.instructions))
    for choice in every.choice:
        assert len(set(choice.choices)) == len(choice.choices)
        assert 0 <= choice.answer < len(choice.choices)
    for instruction in every.instructions:
        instruction_rules.violated("x", instruction.rules)
    shares = [each.answer / (len(each.choices) - 1) for each in every.choice]
    assert 0.35 < sum(shares) / len(shares) < 0.65, "the right answer stands at one end too often"


def test_our_corpus_has_domains_and_languages() -> None:
    quick, whole = corpora.for_profile("quick"), corpora.for_profile("exhaustive")
    assert len({text.language for text in quick.texts}) >= 7
    assert len({text.language for text in whole.texts}) >= 12
    assert len({text.domain for text in whole.texts if text.language == "en"}) >= 6
    assert quick.version != whole.version
    assert all(len(text.text.encode()) <= 1000 for text in quick.texts)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.jsonl", None, "file not found"),
        ("texts.doc", "x", "data files end in"),
        ("empty.jsonl", "", "is empty"),
        ("broken.jsonl", '{"text": 1\n', "cannot be read"),
        ("odd.jsonl", '{"a": "x", "b": "y"}\n', "no text column 'text'"),
    ],
)
def test_a_bad_file_is_reported_in_one_sentence(tmp_path: Any, name: str, content: str | None, message: str) -> None:
    if content is not None:
        (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(data_sources.DataError, match=message) as refusal:
        corpora.for_profile("quick", [str(tmp_path / name)])
    assert "\n" not in str(refusal.value)
    assert name in str(refusal.value)


def test_a_users_text_is_cut_into_pieces(tmp_path: Any) -> None:
    (tmp_path / "book.txt").write_text("A line of a long book.\n" * 4000, encoding="utf-8")
    found = corpora.for_profile("quick", [str(tmp_path / "book.txt")])
    assert {text.domain for text in found.texts} == {"book"}
    assert len(found.texts) > 4
    assert "Python" not in found.version


def test_users_items_are_read_by_their_keys(tmp_path: Any) -> None:
    lines = '{"question": "2+2?", "choices": ["4", "5"], "answer": "4"}\n'
    (tmp_path / "own.jsonl").write_text(lines, encoding="utf-8")
    found = items.for_profile("quick", [str(tmp_path / "own.jsonl")])
    assert found.choice[0].answer == 0
    assert scored_items.questions(found)["choice"][0].continuations == (" 4", " 5")
    (tmp_path / "own.jsonl").write_text('{"question": "2+2?", "choices": ["4", "5"], "answer": 7}\n', encoding="utf-8")
    with pytest.raises(data_sources.DataError, match="row 1: the answer 7 is not one of the 2 choices"):
        items.for_profile("quick", [str(tmp_path / "own.jsonl")])
