"""Other heads of the same shapes: which there are, and that no weight is copied for them."""

from __future__ import annotations

from typing import Any

import pytest

from suites.integrity.pairing import head_counts
from suites.integrity.pairing.head_counts import Heads


@pytest.fixture(scope="module")
def model() -> Any:
    from transformers import LlamaConfig, LlamaForCausalLM

    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=32, hidden_size=64, intermediate_size=64, num_hidden_layers=1, num_attention_heads=4,
            num_key_value_heads=2,
        )
    ).eval()  # fmt: skip


def test_heads_of_the_same_shapes(model: Any) -> None:
    assert head_counts.declared(model) == Heads(4, 2, 16)
    assert {*head_counts.alternatives(model)} == {Heads(2, 1, 32), Heads(8, 4, 8)}


def test_other_heads_on_the_same_weights(model: Any) -> None:
    other = head_counts.with_heads(model, Heads(2, 1, 32))
    assert other.config.num_attention_heads == 2
    assert model.config.num_attention_heads == 4
    places = {name: each.data_ptr() for name, each in model.named_parameters()}
    assert {name: each.data_ptr() for name, each in other.named_parameters()} == places


def test_attention_of_other_widths_has_no_heads_to_compare(model: Any) -> None:
    model.config.num_attention_heads = 8
    assert head_counts.declared(model) is None
    model.config.num_attention_heads = 4
