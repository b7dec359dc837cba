"""Running a model in another dtype, and finding the layer where numbers end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from fixtures import builtin
from suites.running.dtypes import batches, casting, finite, precision
from suites.running.dtypes.precision import CastModel

NAMES = ("tiny-encoder-decoder", "tiny-mixture-of-experts", "tiny-state-space")
IDS = [list(range(5, 21)), list(range(30, 46))]


def loaded(directory: Path, dtype: str) -> Any:
    import torch
    import transformers

    from fixtures.checkpoint import traits

    kind = getattr(transformers, str(traits.inspect(directory).architecture))
    return kind.from_pretrained(directory, dtype=getattr(torch, dtype)).eval()


def inputs_of(model: Any) -> dict[str, Any]:
    return batches._inputs(model, [IDS[0], IDS[1][:5]], left=False)


@pytest.mark.parametrize(("name", "whole"), [*((name, True) for name in NAMES), *((name, False) for name in NAMES[:2])])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_a_dtype_gives_what_loading_in_it_gives(name: str, whole: bool, dtype: str) -> None:
    """Layers that a class keeps in float32 stay so, and so do the tables that are computed."""
    import torch

    directory = builtin.directory(name)
    model = loaded(directory, "float32")
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    output = CastModel(model, dtype, whole=whole)(inputs_of(model))["logits"]
    other = loaded(directory, dtype)
    with torch.inference_mode():
        expected = other(**inputs_of(other)).logits
    assert output.dtype == expected.dtype
    few = (
        8 * torch.finfo(getattr(torch, dtype)).eps * float(expected.abs().max())
    )  # 4.57 computes Mamba's steps differently
    assert float((output.float() - expected.float()).abs().max()) <= few
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.state_dict().items())
    assert precision.own_dtype(model) == "float32"


def test_large_matrices_are_cast_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same outcome, and no function of ours stays in the model."""
    model = loaded(builtin.directory("tiny-sliding-window"), "float32")
    inputs = inputs_of(model)
    expected = CastModel(model, "bfloat16")(inputs)["logits"]
    monkeypatch.setattr(casting, "LARGE_SIZE", 1000)
    assert {path.rpartition(".")[2] for path in casting.large(model)} >= {"embed_tokens", "q_proj", "lm_head"}
    found = CastModel(model, "bfloat16", lean=True)(inputs)["logits"]
    assert found.dtype == expected.dtype
    assert float((found.float() - expected.float()).abs().max()) <= 0.05 * float(expected.float().abs().max())
    assert not any("forward" in vars(module) for module in model.modules())


def test_a_model_that_reaches_into_layers_is_itself_after_the_failure() -> None:
    """Mamba asks for the head's dtype before it calls the head."""
    import torch

    model = loaded(builtin.directory("tiny-state-space"), "float32")
    with pytest.raises(RuntimeError):
        CastModel(model, "float16")(inputs_of(model))
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_the_first_layer_is_found_and_no_hook_stays() -> None:
    """In order of execution, not of declaration."""
    model = loaded(builtin.directory("tiny-sliding-window"), "float32")
    runs = CastModel(model, "float32")
    assert precision.first_failing(runs, inputs_of(model)) is None
    hook = model.model.layers[1].mlp.up_proj.register_forward_hook(lambda module, args, output: output * float("inf"))
    place = precision.first_failing(runs, inputs_of(model))
    hook.remove()
    assert place
    assert str(place) == "model.layers.1.mlp.up_proj (Linear)"
    assert not any(module._forward_hooks for module in model.modules())


def outputs(*rows: list[list[float]]) -> Mapping[str, Any]:
    import torch

    return {"logits": torch.tensor(rows)}


def test_padding_is_not_text() -> None:
    """A row that is not finite where its mask is 0 concerns padding only."""
    import torch

    nan, mask = float("nan"), torch.tensor([[0, 1], [1, 1]])
    (padding,) = finite.not_finite(dict(outputs([[nan, 0], [1, 1]], [[1, 1], [1, 1]])), mask, None)
    assert padding.in_padding_only
    assert padding.as_json() == {"output": "logits", "not finite": 1, "of": 8}
    (text,) = finite.not_finite(dict(outputs([[1, 0], [nan, 1]], [[1, 1], [1, 1]])), mask, None)
    assert not text.in_padding_only
    (row,) = finite.not_finite({"pooled": torch.tensor([[1.0], [nan]])}, torch.tensor([[1, 1], [0, 0]]), None)
    assert row.in_padding_only


def test_tokens_that_are_ruled_out_are_meant() -> None:
    """Minus infinity for one token at every position, not for most of them."""
    import torch

    minus, mask = -float("inf"), torch.ones(1, 2)
    found = dict(outputs([[minus, 0, 0], [minus, 1, 1]]))
    assert finite.ruled_out(found) is not None
    assert not list(finite.not_finite(found, mask, finite.ruled_out(found)))
    assert finite.ruled_out(dict(outputs([[minus, minus, 0], [minus, minus, 1]]))) is None


def test_positions_behind_a_padding_index_are_counted() -> None:
    """RoBERTa has two positions fewer than rows."""
    import transformers

    config = transformers.RobertaConfig(
        vocab_size=32, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8,
        max_position_embeddings=34, pad_token_id=1,
    )  # fmt: skip
    assert batches.longest(transformers.RobertaModel(config)) == 32
    t5 = loaded(builtin.directory("tiny-encoder-decoder"), "float32")
    assert batches.longest(t5) > 10**6
