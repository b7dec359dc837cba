"""Comparing runs and logits, the tolerance, and the paths that must leave a model as it was."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
import torch

from fixtures import builtin
from fixtures.files import source
from fixtures.models import loading
from fixtures.models.loading import Loaded
from fixtures.subjects.subject import Subject
from fixtures.subjects.variant import Variant
from suites.findings import Defect, Hazard, Refused
from suites.generation.equivalence import attention_reach
from suites.generation.equivalence import test_compiled_equals_eager as compiled
from suites.generation.reference_runs import ReferenceRuns, reference_runs
from suites.running import generate, library_warnings, rounding
from suites.running.agreement import Run, difference, distances, must_agree, must_match

WIDTH = 8


def run(*ids: int, second: float = 1.0) -> Run:
    """A run whose best logit is 2 everywhere, and whose next best is `second`, at the id after it."""
    logits = torch.zeros(len(ids), WIDTH)
    for position, token in enumerate(ids):
        logits[position, (token + 1) % WIDTH] = second
        logits[position, token] = 2.0
    return Run(ids, logits)


def otherwise(expected: Run, position: int) -> Run:
    """The same logits, and another choice from a position on."""
    ids = [token if at < position else (token + 1) % WIDTH for at, token in enumerate(expected.ids)]
    return Run(ids, expected.logits)


def test_equal_runs_agree() -> None:
    must_agree([(run(1, 2, 3), run(1, 2, 3))], 0.0, "The two differ")
    assert difference(run(1, 2), run(1, 2), 0.0) is None


def test_a_near_tie_is_a_hazard_with_its_rate() -> None:
    tied = run(1, 2, 3, second=1.999)
    pairs = [(tied, otherwise(tied, 1)), (tied, tied)]
    with pytest.raises(Hazard, match=r"near-tie only, within rounding .in 1 of 2 runs, at new token 1") as found:
        must_agree(pairs, 0.01, "The two differ")
    assert found.value.evidence["logit_gap"] == pytest.approx(0.001, rel=0.1)


def test_another_token_far_below_the_best_is_a_defect() -> None:
    """Although the logits are the same: something else chose."""
    with pytest.raises(Defect, match="from new token 2 on, where the chosen token's logit is 1 below the best"):
        must_agree([(run(1, 2, 3), otherwise(run(1, 2, 3), 2))], 0.01, "The two differ")


def test_logits_beyond_the_tolerance_are_a_defect_although_the_tokens_are_the_same() -> None:
    other = Run((1, 2, 3), run(1, 2, 3).logits.clone())
    other.logits[1, 5] = 0.5
    with pytest.raises(Defect, match=r"new token 1 on, where logits differ by 0.5; rounding explains 0.01"):
        must_agree([(run(1, 2, 3), other)], 0.01, "The two differ")


def test_nothing_is_compared_behind_the_first_other_token() -> None:
    """Behind it the two answer different texts."""
    tied = run(1, 2, 3, second=1.999)
    other = Run(otherwise(tied, 1).ids, tied.logits.clone())
    other.logits[2] += 5
    with pytest.raises(Hazard):
        must_agree([(tied, other)], 0.01, "The two differ")


def test_a_run_that_ends_early_is_a_defect() -> None:
    with pytest.raises(Defect, match="from new token 2 on, where one of the two ends"):
        must_agree([(run(1, 2, 3), run(1, 2))], 0.01, "The two differ")


def test_what_is_not_finite_is_far_from_what_is() -> None:
    broken = torch.zeros(2, WIDTH)
    broken[1, 0] = float("nan")
    assert distances(torch.zeros(2, WIDTH), broken) == [0.0, float("inf")]
    assert distances(broken, broken) == [0.0, 0.0]
    with pytest.raises(Defect, match="to a value that is not finite") as found:
        must_match(torch.zeros(2, WIDTH), broken, 0.1, "The two differ")
    json.dumps(found.value.evidence, allow_nan=False)


def test_suppressed_logits_are_equal() -> None:
    suppressed = torch.full((1, WIDTH), -float("inf"))
    must_match(suppressed, suppressed.clone(), 0.0, "The two differ")


@pytest.fixture(scope="module")
def subject() -> Subject:
    path = builtin.directory("tiny-sliding-window")
    return Subject(path.name, source.parse(str(path), builtins=()))


@pytest.fixture
def loaded(subject: Subject) -> Loaded:
    return loading.load_model(subject, Variant())


@pytest.fixture
def reference(subject: Subject, loaded: Loaded) -> ReferenceRuns:
    return reference_runs(subject, loading.load_tokenizer(subject), loaded)


def test_the_tolerance_is_of_the_order_of_rounding(reference: ReferenceRuns) -> None:
    """Above what two right paths differ by, far below what an error of a thousandth does."""
    largest = float(reference.whole.abs().max())
    assert max(distances(reference.whole[reference.last], reference.run.logits)) < reference.tolerance
    assert rounding.unit(reference.model) * largest < reference.tolerance < 1e-3 * largest


def test_rounding_leaves_no_hooks(reference: ReferenceRuns) -> None:
    before = generate.logits(reference.model, reference.text)
    with rounding.rounding(reference.model, seed=0):
        assert not torch.equal(before, generate.logits(reference.model, reference.text))
    assert torch.equal(before, generate.logits(reference.model, reference.text))


def test_a_study_is_made_once_and_goes_with_its_variant(subject: Subject) -> None:
    model_cache = loading.ModelCache(10**9)
    loaded = model_cache.model(subject, Variant())
    first = reference_runs(subject, model_cache.tokenizer(subject), loaded)
    assert reference_runs(subject, model_cache.tokenizer(subject), loaded) is first
    model_cache.free_all()
    assert loaded.shared == {}


def test_paths_leave_the_model_as_it_was(reference: ReferenceRuns) -> None:
    model = reference.model
    before, shipped, own = dict(vars(model)), model.generation_config, model.config._attn_implementation
    generate.generated(model, reference.prompt, 2, cache_implementation="static", disable_compile=True)
    with pytest.raises(KeyError), generate.attention(model, "eager"):
        raise KeyError
    assert vars(model) == before
    assert (model.generation_config, model.config._attn_implementation) == (shipped, own)


def test_padding_is_on_the_side_that_was_asked_for() -> None:
    rows = [torch.tensor([5, 6, 7]), torch.tensor([8])]
    left, right = (generate.padded(rows, 3, left=side) for side in (True, False))
    assert left["input_ids"].tolist() == [[5, 6, 7], [3, 3, 8]]
    assert left["attention_mask"].tolist() == [[1, 1, 1], [0, 0, 1]]
    assert left["position_ids"].tolist() == [[0, 1, 2], [0, 0, 0]]
    assert right["input_ids"].tolist() == [[5, 6, 7], [8, 3, 3]]


@pytest.mark.parametrize(
    "failure", [MemoryError("x"), RuntimeError("CUDA out of memory"), RuntimeError("CUDA error: x")]
)
def test_a_broken_machine_is_no_refusal(failure: Exception) -> None:
    with pytest.raises(type(failure)), generate.refusals("It"):
        raise failure


def test_a_refusal_is_reported_and_a_finding_passes_through() -> None:
    with pytest.raises(Refused, match="It fails with ValueError: no"), generate.refusals("It"):
        raise ValueError("no\nmore")
    with pytest.raises(Defect), generate.refusals("It"):
        raise Defect("found.")


def test_warnings_are_heard_and_the_library_is_silent_again() -> None:
    logger = logging.getLogger("transformers.generation")
    level, handlers = logging.getLogger("transformers").level, list(logging.getLogger("transformers").handlers)
    with library_warnings.captured() as messages:
        logger.warning("one")
    assert messages == ["one"]
    assert (logging.getLogger("transformers").level, logging.getLogger("transformers").handlers) == (level, handlers)


def test_the_reach_of_a_window_is_exact(reference: ReferenceRuns) -> None:
    assert {layer.longest for layer in attention_reach.layers(reference.model, 20)} == {8}
    assert not any(layer.sees_everything for layer in attention_reach.layers(reference.model, 20))


def test_compiled_code_that_differs_is_a_defect(
    subject: Subject, loaded: Loaded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This check has no gallery row: compiling takes too long for every run."""
    monkeypatch.setattr(compiled, "BACKEND", "eager")
    tokenizer = loading.load_tokenizer(subject)
    call: dict[str, Any] = {"subject": subject, "tokenizer": tokenizer, "generator": loaded.model, "loaded": loaded}
    compiled.test_compiled_equals_eager(**call)
    head = loaded.model.lm_head
    head.register_forward_hook(lambda module, inputs, out: out * 1.1 if torch.compiler.is_compiling() else out)
    with pytest.raises(Defect, match=r"torch\.compile changes the logits"):
        compiled.test_compiled_equals_eager(**call)
