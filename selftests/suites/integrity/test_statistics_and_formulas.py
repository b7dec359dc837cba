"""Helpers of the integrity checks: statistics of stored tensors, rotary formulas, misspelled keys, pickles."""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import numpy
import pytest

from fixtures.files import weights
from fixtures.models import weight_statistics
from suites.integrity.config.misspelling import distance, near_miss
from suites.integrity.config_sizes import head_size
from suites.integrity.files.pickles import dangerous, imports, unusual
from suites.integrity.rotary.declared import FULL, SLIDING, declared
from suites.integrity.rotary.formulas import NotCovered, attention_factor, frequencies


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16", "float64"])
def test_statistics_are_those_of_the_whole_tensor(dtype: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch
    from safetensors.torch import save_file

    monkeypatch.setattr(weight_statistics, "CHUNK", 50)  # several chunks, the last one cut
    matrix = torch.randn(37, 20, generator=torch.Generator().manual_seed(0)).to(getattr(torch, dtype))
    matrix[5], matrix[7, 3] = 0.25, float("nan")
    save_file({"a": matrix, "b": torch.ones(3, dtype=torch.int64), "c": matrix[0].clone()}, tmp_path / weights.SINGLE)
    found = {each.name: weight_statistics.read(tmp_path, each) for each in weights.tensors(tmp_path)}
    assert found["a"].not_finite == 1
    assert found["a"].constant_rows == [5]
    assert found["a"].digest == weight_statistics.digest_of(matrix)
    rows = matrix.double().square().mean(1).sqrt().numpy()
    assert numpy.allclose(found["a"].rows, rows, rtol=1e-5, equal_nan=True)  # type: ignore[arg-type]
    flat = matrix.double().flatten()[weight_statistics.sampled(matrix.numel())].numpy()
    assert numpy.array_equal(found["a"].sample, flat, equal_nan=True)  # type: ignore[arg-type]
    assert found["b"].sample is None
    assert found["c"].rms == pytest.approx(float(matrix[0].double().square().mean().sqrt()), rel=1e-5)


LLAMA3 = {"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0}
SCALINGS: list[dict[str, Any]] = [
    {"rope_type": "linear", "factor": 3.0},
    {"rope_type": "dynamic", "factor": 3.0},
    {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 512},
    {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 512, "beta_fast": 16, "beta_slow": 2},
    LLAMA3 | {"original_max_position_embeddings": 512},
    {
        "rope_type": "longrope",
        "short_factor": [1.0 + n / 9 for n in range(32)],
        "long_factor": [2.0] * 32,
    },
]


@pytest.mark.parametrize("scaling", SCALINGS, ids=lambda scaling: scaling["rope_type"])
def test_formulas_agree_with_the_library(scaling: dict[str, Any]) -> None:
    """Two independent computations: a slip in one of them would show."""
    from transformers import LlamaConfig
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    whole: dict[str, Any] = {"rope_theta": 50000.0, "rope_scaling": dict(scaling), "max_position_embeddings": 2048}
    if scaling["rope_type"] == "longrope":  # as Phi 3 has it
        whole["original_max_position_embeddings"] = 512
    config = LlamaConfig(hidden_size=256, num_attention_heads=4, **whole)
    table, factor = ROPE_INIT_FUNCTIONS[scaling["rope_type"]](config, "cpu")
    rope = declared(whole)[None]
    assert numpy.allclose(frequencies(rope, 32), table.double().numpy(), rtol=2e-6)
    assert attention_factor(rope) == pytest.approx(factor)


def test_unknown_scaling_is_not_judged() -> None:
    with pytest.raises(NotCovered):
        frequencies(declared({"rope_theta": 1e4, "rope_scaling": {"rope_type": "of tomorrow"}})[None], 8)


def test_both_spellings_mean_the_same() -> None:
    old = declared({"rope_theta": 5e5, "rope_scaling": LLAMA3, "max_position_embeddings": 64})[None]
    new = declared({"rope_parameters": LLAMA3 | {"rope_theta": 5e5}, "max_position_embeddings": 64})[None]
    assert frequencies(old, 8).tolist() == frequencies(new, 8).tolist()
    assert declared({"hidden_size": 4}) == {}
    local = declared({"rope_theta": 1e6, "rope_local_base_freq": 1e4})
    assert (local[FULL].theta, local[SLIDING].theta) == (1e6, 1e4)


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("rope_thata", "rope_theta"),
        ("rope_thet\u0430", "rope_theta"),
        ("Rope-Theta", "rope_theta"),
        ("rope_tehta", "rope_theta"),
        ("max_position_embedings", "max_position_embeddings"),
        ("rope_scale", None),
        ("num_experts", None),
        ("mlp_2", None),
    ],
)
def test_near_misses(key: str, meant: str | None) -> None:
    assert near_miss(key, ["rope_theta", "max_position_embeddings", "n_experts", "mlp_1", "dropout"]) == meant


def test_a_swap_is_one_slip() -> None:
    assert (distance("abcd", "acbd"), distance("abcd", "abcd"), distance("", "ab")) == (1, 0, 2)


def test_head_size_is_declared_or_derived() -> None:
    assert head_size({"head_dim": 32, "hidden_size": 64, "num_attention_heads": 4}) == 32
    assert head_size({"n_embd": 64, "n_head": 4}) == 16
    assert head_size({"hidden_size": 64, "num_attention_heads": 4, "kv_lora_rank": 8}) is None


class _Runs:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("false",)


def test_pickles_are_read_and_not_run(tmp_path: Path) -> None:
    import torch

    harmless, command, other = (tmp_path / name for name in ("a.bin", "b.bin", "c.bin"))
    torch.save({"x": torch.zeros(2)}, harmless)
    command.write_bytes(pickle.dumps(_Runs()))
    other.write_bytes(b"\x00 no pickle")
    assert not dangerous(imports(harmless))
    assert not unusual(imports(harmless))
    assert dangerous(imports(command))[0].endswith(".system")
    assert imports(other) == []
