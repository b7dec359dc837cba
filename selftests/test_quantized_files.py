"""What is wrong with a stored quantized checkpoint is told from config.json and the headers, by layer and file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.files.weights import Tensor
from fixtures.quantization.bitsandbytes import config as declared
from fixtures.quantization.bitsandbytes import stored as files

NAME, FILE = "model.layers.0.mlp.down_proj", "model.safetensors"
NF4 = {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}
STATE = {"quant_type": "nf4", "blocksize": 64, "shape": [128, 256]}
PARTS = {"": ("U8", 16384), ".absmax": ("F32", 512), ".quant_map": ("F32", 16)}


def stored(directory: Path, state: dict[str, Any] | None, **sizes: int | None) -> Iterator[Tensor]:
    """The tensors of one layer; a size of None leaves one out."""
    for part, (kind, size) in PARTS.items():
        if (found := sizes.get(part.lstrip(".") or "packed", size)) is not None:
            yield Tensor(f"{NAME}.weight{part}", kind, (found, 1) if not part else (found,), FILE)
    if state is not None:
        raw = json.dumps(state).encode()
        (directory / FILE).write_bytes(raw)
        yield Tensor(f"{NAME}.weight.quant_state.bitsandbytes__nf4", "U8", (len(raw),), FILE)


@pytest.mark.parametrize(
    ("state", "sizes", "config", "words"),
    [
        (STATE, {}, NF4, None),
        (None, {}, NF4, "no quant_state"),
        (None, {"absmax": None, "quant_map": None}, NF4, "no quant_state and no absmax and no quant_map"),
        (STATE, {"absmax": None}, NF4, "no absmax"),
        (STATE, {"absmax": 511}, NF4, "511 scales for 512 blocks"),
        (STATE, {"packed": 16320}, NF4, "holds 32,640 numbers"),
        (STATE | {"blocksize": 128}, {}, NF4, "512 scales for 256 blocks"),
        (STATE | {"quant_type": "fp4"}, {}, NF4, "says fp4"),
        (STATE, {}, NF4 | {"load_in_4bit": False, "load_in_8bit": True}, "does not say load_in_4bit"),
        (STATE, {}, NF4 | {"llm_int8_skip_modules": ["down_proj"]}, "names 'down_proj'"),
        (STATE, {}, NF4 | {"llm_int8_skip_modules": ["lm_head"]}, None),
        (STATE, {}, None, "no quantization_config"),
    ],
)
def test_what_is_not_whole_is_named(
    tmp_path: Path, state: dict[str, Any] | None, sizes: dict[str, Any], config: Any, words: str | None
) -> None:
    told = files.problem(tmp_path, {"quantization_config": config}, stored(tmp_path, state, **sizes))
    assert (told is None) if words is None else (told is not None and words in told.summary and NAME in told.summary)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (NF4, None),
        ({"quant_method": "gptq", "bits": 4}, None),
        ({"quant_method": "mxfp6"}, None),
        ({"quant_method": "a-method-of-tomorrow"}, None),
        ({"quant_method": "bitsandbits"}, "'bitsandbytes' is near"),
        ("nf4", "has a str as quantization_config"),
        (NF4 | {"bnb_4bit_quant_type": "nf5"}, "nf5"),
        (NF4 | {"bnb_4bit_compute_dtype": "float99"}, "bnb_4bit_compute_dtype 'float99'"),
        (NF4 | {"load_in_8bit": True}, "both"),
    ],
)
def test_a_declaration_that_says_nothing_is_named(config: Any, words: str | None) -> None:
    told = declared.problem({"quantization_config": config})
    assert (told is None) if words is None else (told is not None and words in told.summary)


def test_the_table_of_scales_is_the_librarys() -> None:
    torch = pytest.importorskip("torch")
    functional = pytest.importorskip("bitsandbytes").functional
    from fixtures.quantization import laws

    assert torch.allclose(laws.dynamic_table(), functional.create_dynamic_map().float(), atol=1e-7)


def test_laws_of_numbers_quantized_by_their_largest() -> None:
    torch = pytest.importorskip("torch")
    from fixtures.quantization import laws

    places = torch.randint(1, 15, (128, 64), generator=torch.Generator().manual_seed(0))
    places[:, 5] = 15
    scales = torch.ones(128)
    assert laws.broken(places, places == 15, scales) is None
    places[7, 5] = 3
    assert "1 of 128 blocks lack the largest number" in str(laws.broken(places, places == 15, scales))
    assert "scales are 0" in str(laws.broken(places, places == 15, scales * 0))
    assert not laws.random_bits(places)
    assert laws.random_bits(torch.randint(0, 16, (512, 64), generator=torch.Generator().manual_seed(0)))
