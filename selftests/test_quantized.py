"""Quantized layers are read right, bit by bit, and the bounds on their error are those of the formats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fixtures.checkpoint.traits import inspect
from fixtures.files import source
from fixtures.models.loading import load_model
from fixtures.quantization import backend
from fixtures.quantization.bitsandbytes.four_bit import FP4, NF4
from fixtures.subjects.subject import Subject
from fixtures.subjects.variant import Variant
from selftests.gallery.edits import set_keys
from selftests.gallery.harness import copy
from selftests.gallery.registry import CHAT
from selftests.running import sea_trial

FORMS = ("nf4", "nf4-dq", "fp4", "fp4-dq", "int8")
RELATIVE = {"nf4": 0.09, "nf4-dq": 0.09, "fp4": 0.12, "fp4-dq": 0.12, "int8": 0.007}
"""Error of normally distributed weights, in units of their size, from simulations of the formats."""

needs_library = pytest.mark.skipif(bool(backend.backend_of("nf4").missing()), reason="bitsandbytes is not installed")


def a_layer(form: str, rows: int = 96, columns: int = 192, dtype: str = "float32") -> tuple[Any, Any]:
    """A quantized layer with its full weight."""
    import torch
    from bitsandbytes import nn

    weight = torch.randn(rows, columns, generator=torch.Generator().manual_seed(0)).to(getattr(torch, dtype))
    if form == "int8":
        layer = nn.Linear8bitLt(columns, rows, bias=False, has_fp16_weights=False, threshold=6.0)
        layer.weight = nn.Int8Params(weight.clone(), requires_grad=False)
    else:
        kind, _, double = form.partition("-")
        layer = nn.Linear4bit(columns, rows, False, torch.float32, double == "dq", kind)
        layer.weight = nn.Params4bit(
            weight.clone(), requires_grad=False, quant_type=kind, compress_statistics=double == "dq", module=layer
        )
    return layer.to("cpu").eval(), weight


def read(layer: Any) -> Any:
    import torch

    (found,) = backend.layers(torch.nn.Sequential(layer)).values()
    return found


@needs_library
@pytest.mark.parametrize("form", FORMS)
def test_bits_mean_what_the_library_says(form: str) -> None:
    found = read(a_layer(form)[0])
    assert found.form == form
    assert found.dequantized().shape == found.shape == (96, 192)
    assert (found.dequantized() - found.of_library()).abs().max() < 1e-6
    assert found.wrong() is None


@needs_library
@pytest.mark.parametrize("form", FORMS)
def test_use_changes_no_weight_beyond_the_rounding_of_scales(form: str) -> None:
    import torch

    layer, _ = a_layer(form)
    before = read(layer).dequantized()
    with torch.inference_mode():
        layer(torch.ones(2, 192))
    after = read(layer)
    assert (after.dequantized() - before).norm() <= (2**-8 if after.reordered else 0) * before.norm()
    assert after.held() == backend.backend_of(form).predicted(form, 96, 192)


@needs_library
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize("form", FORMS)
def test_healthy_layers_are_within_the_bound(form: str, dtype: str) -> None:
    from suites.quantization.numerics.error import error

    layer, weight = a_layer(form, dtype=dtype)
    found = error("layer", read(layer), weight)
    assert found.beyond == 0
    assert found.relative == pytest.approx(RELATIVE[form], rel=0.1)


@needs_library
@pytest.mark.parametrize("form", ["nf4", "fp4"])
def test_one_wrong_number_is_beyond_the_bound(form: str) -> None:
    from suites.quantization.numerics.error import error

    layer, weight = a_layer(form)
    layer.weight.data[100] ^= 0x70
    assert error("layer", read(layer), weight).beyond == 1


@needs_library
@pytest.mark.parametrize("form", FORMS)
def test_bytes_are_as_predicted(form: str) -> None:
    assert read(a_layer(form)[0]).held() == backend.backend_of(form).predicted(form, 96, 192)


def test_the_tables_have_sixteen_numbers_between_minus_one_and_one() -> None:
    assert len(NF4) == len(FP4) == 16
    assert max(map(abs, NF4)) == max(map(abs, FP4)) == 1


@pytest.mark.parametrize(
    ("declared", "form"),
    [
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, "int8"),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}, "nf4"),
        (
            {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_use_double_quant": True},
            "nf4-dq",
        ),
        ({"quant_method": "gptq", "bits": 4}, "gptq"),
        ({}, "an unnamed method"),
    ],
)
def test_a_stored_quantization_is_recognised(declared: dict[str, Any], form: str, tmp_path: Path) -> None:
    directory = copy(CHAT, tmp_path / "chat")
    set_keys(directory / "config.json", quantization_config=declared)
    assert inspect(directory).quantization == form


@needs_library
def test_a_stored_quantized_checkpoint_is_tried(tmp_path: Path) -> None:
    """It has as many parameters as the full one, and the checks of quantized layers apply."""
    full = copy(CHAT, tmp_path / "full")
    subject = Subject("full", source.parse(str(full), builtins=()))
    stored = copy(CHAT, tmp_path / "stored")
    (stored / "model.safetensors").unlink()
    load_model(subject, Variant(quantization="nf4-dq")).model.save_pretrained(stored)
    traits = inspect(stored)
    assert (traits.quantization, traits.parameters, traits.dtype) == ("nf4-dq", subject.traits.parameters, "float32")
    checks = ("modules", "numerics", "use/test_device_map_auto.py")
    verdict = sea_trial([stored], tmp_path / "report", *(f"suites/quantization/{each}" for each in checks))
    counts = verdict["subjects"][0]["counts"]
    assert (counts["defect"], counts["error"]) == (0, 0)
    assert counts["pass"] >= 6


@needs_library
def test_healthy_variants_have_no_defect(tmp_path: Path) -> None:
    """Their hazards are the library's own: they are told with its version."""
    checks = [f"suites/quantization/{each}" for each in ("modules", "numerics", "saving", "use")]
    bases = [copy(name, tmp_path / name) for name in (CHAT, "tiny-mixture-of-experts", "tiny-encoder-decoder")]
    verdict = sea_trial(bases, tmp_path / "report", "--quantization=none,nf4,nf4-dq,fp4,int8", *checks)
    for entry in verdict["subjects"]:
        assert [each for each in entry["findings"] if each["severity"] == "defect"] == []
        assert entry["counts"]["error"] == entry["counts"]["unsupported"] == 0
        assert entry["counts"]["pass"] > 40
