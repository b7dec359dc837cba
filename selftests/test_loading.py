"""Variants are loaded once, within the budget, and freed."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixtures.files import source
from fixtures.files.problems import CannotRunHere, SubjectProblem
from fixtures.models import loading
from fixtures.models.loading import Loaded, ModelCache
from fixtures.quantization.bitsandbytes import library
from fixtures.subjects.subject import Subject
from fixtures.subjects.variant import Variant
from selftests.gallery.edits import set_keys
from selftests.gallery.harness import copy
from selftests.gallery.registry import CHAT, CLASSIFIER

PLAIN = Variant()
HALF = Variant(dtype="bfloat16")


def subject_at(directory: Path) -> Subject:
    return Subject(directory.name, source.parse(str(directory), builtins=()))


@pytest.fixture
def chat(tmp_path: Path) -> Subject:
    return subject_at(copy(CHAT, tmp_path / "chat"))


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Variant]]:
    """The loads that really happened."""
    happened: list[tuple[str, Variant]] = []
    load_model = loading.load_model

    def counted(subject: Subject, variant: Variant) -> Loaded:
        happened.append((subject.name, variant))
        return load_model(subject, variant)

    monkeypatch.setattr(loading, "load_model", counted)
    return happened


def test_a_variant_loads_once(chat: Subject, loads: list[tuple[str, Variant]]) -> None:
    model_cache = ModelCache(budget=10**9)
    assert model_cache.model(chat, PLAIN) is model_cache.model(chat, PLAIN)
    assert loads == [("chat", PLAIN)]


def test_the_variant_decides_the_dtype(chat: Subject) -> None:
    model_cache = ModelCache(budget=10**9)
    dtypes = {str(model_cache.model(chat, variant).model.dtype) for variant in (PLAIN, HALF)}
    assert dtypes == {"torch.float32", "torch.bfloat16"}


def test_the_last_check_frees_the_weights(chat: Subject) -> None:
    """Also where a traceback or a cycle still refers to the model."""
    model_cache = ModelCache(budget=10**9)
    for _ in range(2):
        model_cache.expect(chat, [PLAIN])
    model = model_cache.model(chat, PLAIN).model
    model_cache.done(chat, [PLAIN])
    assert sum(parameter.numel() for parameter in model.parameters()) == 426_624
    model_cache.done(chat, [PLAIN])
    assert sum(parameter.numel() for parameter in model.parameters()) == 0


def test_the_budget_evicts_what_was_loaded_first(chat: Subject, tmp_path: Path) -> None:
    other = subject_at(copy(CLASSIFIER, tmp_path / "classifier"))
    model_cache = ModelCache(budget=2_000_000)
    first = model_cache.model(chat, PLAIN).model
    model_cache.model(other, PLAIN)
    assert sum(parameter.numel() for parameter in first.parameters()) == 0


def test_what_is_compared_is_held_together(chat: Subject) -> None:
    model_cache = ModelCache(budget=10**9)
    model_cache.expect(chat, [HALF, PLAIN])
    other = model_cache.beside(chat, HALF, PLAIN)
    assert other is model_cache.model(chat, PLAIN)
    model_cache.done(chat, [HALF, PLAIN])
    assert sum(parameter.numel() for parameter in other.model.parameters()) == 0


def test_what_does_not_fit_together_is_not_compared(chat: Subject) -> None:
    model_cache = ModelCache(budget=2_000_000)
    with pytest.raises(CannotRunHere, match=r"both variants in memory, 0\.0 GB"):
        model_cache.beside(chat, HALF, PLAIN)
    assert model_cache.model(chat, PLAIN).bytes > 0


def test_a_variant_is_compared_with_the_one_it_was_made_from() -> None:
    assert Variant(quantization="nf4").reference("float32") == Variant()
    assert Variant(dtype="float16", quantization="int8").reference("float32") == Variant(dtype="float16")
    assert Variant(dtype="bfloat16").reference("float32") == Variant()
    assert Variant().reference("float32") is Variant(dtype="float32").reference("float32") is None


def test_a_model_beyond_the_budget_is_an_error_with_the_figures(chat: Subject) -> None:
    with pytest.raises(MemoryError, match="the memory budget is 0"):
        ModelCache(budget=1000).model(chat, PLAIN)


def test_four_bit_on_the_cpu_names_the_layer_that_it_cannot_take(chat: Subject) -> None:
    pytest.importorskip("bitsandbytes")
    set_keys(chat.path / "config.json", intermediate_size=96)
    with pytest.raises(CannotRunHere, match=r"input dimensions .* of 64; model\.layers\.0\.mlp\.down_proj has 96"):
        ModelCache(budget=10**9).model(chat, Variant(quantization="nf4"))


def test_quantized_variants_without_their_library_are_told_so(chat: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "find_spec", lambda name: None)
    with pytest.raises(CannotRunHere, match="need bitsandbytes and accelerate, not installed here"):
        ModelCache(budget=10**9).model(chat, Variant(quantization="nf4"))


def test_weights_that_are_stored_in_another_format_are_told_so(chat: Subject) -> None:
    set_keys(chat.path / "config.json", quantization_config={"quant_method": "awq"})
    with pytest.raises(CannotRunHere, match="stored quantized by awq"):
        ModelCache(budget=10**9).model(chat, PLAIN)


def test_a_failure_is_remembered(chat: Subject, loads: list[tuple[str, Variant]]) -> None:
    set_keys(chat.path / "config.json", num_attention_heads="many")
    model_cache = ModelCache(budget=10**9)
    for _ in range(2):
        with pytest.raises(SubjectProblem):
            model_cache.model(chat, PLAIN)
    assert len(loads) == 1


def test_a_tokenizer_is_shared_until_its_last_check(chat: Subject) -> None:
    model_cache = ModelCache(budget=10**9)
    model_cache.expect(chat, [None])
    tokenizer = model_cache.tokenizer(chat)
    assert model_cache.tokenizer(chat) is tokenizer
    model_cache.done(chat, [None])
    assert model_cache.tokenizer(chat) is not tokenizer


@pytest.mark.parametrize("quantization", ["nf4", "nf4-dq", "fp4", "int8"])
def test_a_quantized_variant_is_smaller(chat: Subject, quantization: str) -> None:
    pytest.importorskip("bitsandbytes")
    model_cache = ModelCache(budget=10**9)
    full, small = (model_cache.model(chat, variant).bytes for variant in (PLAIN, Variant(quantization=quantization)))
    assert small < full


@pytest.mark.parametrize("variant", [PLAIN, HALF, Variant(quantization="nf4")], ids=lambda variant: variant.label)
def test_the_estimate_of_memory_is_near(chat: Subject, variant: Variant) -> None:
    """It decides what the budget admits; half the truth would end in a killed run."""
    if variant.quantization != "none":
        pytest.importorskip("bitsandbytes")
    loaded = ModelCache(budget=10**9).model(chat, variant)
    traits = chat.traits
    estimate = variant.bytes_needed(traits.parameters, traits.weight_bytes, traits.linear)
    assert 0.95 < estimate / loaded.bytes < 1.2
