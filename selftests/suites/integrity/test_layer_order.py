"""Detection of swapped layers and transposed matrices: silent on random numbers, right on real profiles."""

from __future__ import annotations

from typing import Any

import pytest

from fixtures.files.weights import Tensor
from fixtures.models.weight_statistics import TensorStatistics
from suites.integrity.config.generation_ranges import forbidden_stops, invalid_values, too_short_max_length
from suites.integrity.config.key_synonyms import ROPE_SYNONYMS, canonical
from suites.integrity.layer_order import swaps
from suites.integrity.orientation import orientations
from suites.integrity.pairing.repairs import Repair, deinterleaved

numpy = pytest.importorskip("numpy")
LAYERS, WIDTH, KINDS = 8, 64, 10


def _stored(name: str, rows: Any, columns: Any) -> TensorStatistics:
    found = TensorStatistics(Tensor(name, "F32", (WIDTH, WIDTH), "model.safetensors"))
    found.low, found.high, found.rows, found.columns = -1.0, 1.0, rows, columns
    return found


def _model(seed: int, drift: float, order: list[int]) -> dict[str, TensorStatistics]:
    """Layers whose rows keep a profile that moves with depth by `drift`, and whose columns keep none."""
    generator = numpy.random.default_rng(seed)
    found: dict[str, TensorStatistics] = {}
    for kind in range(KINDS):
        first = generator.normal(size=WIDTH)
        profiles = numpy.exp(first + drift * generator.normal(size=(LAYERS, WIDTH)).cumsum(0))
        for place, layer in enumerate(order):
            name = f"model.layers.{place}.part{kind}.weight"
            found[name] = _stored(name, profiles[layer], numpy.exp(generator.normal(size=WIDTH)))
    return found


def test_layers_in_order_are_left_alone() -> None:
    for seed in range(5):
        assert not [swap for swap in swaps(_model(seed, 0.3, list(range(LAYERS)))) if swap.clear]


def test_random_layers_have_no_order() -> None:
    generator = numpy.random.default_rng(0)
    names = [f"model.layers.{layer}.part{kind}.weight" for layer in range(LAYERS) for kind in range(KINDS)]
    noise = {name: _stored(name, *numpy.exp(generator.normal(size=(2, WIDTH)))) for name in names}
    assert not [swap for swap in swaps(noise) if swap.clear]


@pytest.mark.parametrize(("one", "other"), [(2, 3), (3, 6), (5, 6)])
def test_a_swap_is_found(one: int, other: int) -> None:
    order = list(range(LAYERS))
    order[one], order[other] = other, one
    best = swaps(_model(1, 0.3, order))[0]
    assert best.clear
    assert (best.one, best.other) == (one, other)


def test_sorts_of_layers_that_take_turns_are_no_disorder() -> None:
    generator = numpy.random.default_rng(0)
    found: dict[str, TensorStatistics] = {}
    for kind in range(KINDS):
        sorts = numpy.exp(generator.normal(size=(2, WIDTH)))
        for layer in range(LAYERS):
            name = f"model.layers.{layer}.part{kind}.weight"
            noise = numpy.exp(0.2 * generator.normal(size=(2, WIDTH)))
            found[name] = _stored(name, sorts[layer % 2] * noise[0], noise[1])
    assert not [swap for swap in swaps(found) if swap.clear]


def test_the_transposed_matrix_is_reported() -> None:
    group = [each for name, each in _model(0, 0.1, list(range(LAYERS))).items() if "part0" in name]
    assert not [each for each in orientations(group) if each.is_transposed]
    group[3].rows, group[3].columns = group[3].columns, group[3].rows
    assert [each.matrix.tensor.name for each in orientations(group) if each.is_transposed] == [group[3].tensor.name]


def test_two_layers_are_too_few_to_compare() -> None:
    group = [each for name, each in _model(0, 0.1, list(range(LAYERS))).items() if "part0" in name]
    assert orientations(group[:2]) == []


@pytest.mark.parametrize(
    ("settings", "keys"),
    [
        ({"do_sample": True, "temperature": -1.0}, ["temperature"]),
        ({"do_sample": False, "temperature": -1.0}, []),
        ({"do_sample": True, "temperature": 0.6, "top_p": 0.9, "top_k": 0}, []),
        ({"repetition_penalty": 0.0}, ["repetition_penalty"]),
        ({"do_sample": True, "top_p": None, "temperature": True}, []),
    ],
)
def test_settings_that_generate_refuses(settings: dict[str, Any], keys: list[str]) -> None:
    assert [each.split()[0] for each in invalid_values(settings)] == keys


def test_stop_tokens_that_are_forbidden() -> None:
    assert forbidden_stops({"suppress_tokens": [2, 5]}, [2, 0]) == {"suppress_tokens": [2]}
    assert forbidden_stops({"bad_words_ids": [[2], [3, 2]]}, [2]) == {"bad_words_ids": [2]}
    assert forbidden_stops({"begin_suppress_tokens": [2]}, [2]) == {}  # Whisper ships this


def test_lengths_that_no_prompt_fits_in() -> None:
    assert too_short_max_length({"max_length": 5}) == 5
    assert too_short_max_length({"max_length": 5, "max_new_tokens": 100}) is None
    assert too_short_max_length({"max_length": 4096}) is None


def test_names_of_other_libraries() -> None:
    assert canonical("rope_base", ["rope_theta"]) == "rope_theta"
    assert canonical("rope_base", []) is None
    assert canonical("theta", ["rope_theta"], ROPE_SYNONYMS) == "rope_theta"


def test_rows_of_rotary_pairs_are_put_half_a_head_apart() -> None:
    assert deinterleaved(8, 4) == [0, 2, 1, 3, 4, 6, 5, 7]
    half = [0, 1, 2, 3, 4, 5]
    side_by_side = [0, 3, 1, 4, 2, 5]
    assert [side_by_side[place] for place in deinterleaved(6, 6)] == half


def test_a_repair_is_undone() -> None:
    torch = pytest.importorskip("torch")
    weight = torch.nn.Parameter(torch.arange(16.0).view(4, 4))
    before = weight.detach().clone()
    with Repair("rows", orders=((weight, [3, 2, 1, 0]),)).applied():
        assert weight[0, 0] == 12
    with Repair("turned", pairs=((weight, weight),)).applied():
        assert weight[0, 1] == 4
    assert torch.equal(weight, before)
