"""Rows about which modules are quantized, what they take and what they compute in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.classes import as_they_are
from selftests.gallery.edits import edit_weights, set_keys
from selftests.gallery.registry import CHAT, mutant
from selftests.gallery.rows.quantized_weights import KEY, UP, layer

LINEAR = "quantization/linear-layers-quantized"


def _skip(*names: str) -> Any:
    def patch(model: Any) -> None:
        model.config.quantization_config.llm_int8_skip_modules = [*names]

    return patch


def _quantize_head(model: Any) -> None:
    """As with a list of layers that names every `Linear`."""
    from bitsandbytes.nn import Linear4bit, Params4bit

    head = Linear4bit(*reversed(model.lm_head.weight.shape), bias=False, quant_type="nf4", compress_statistics=False)
    head.weight = Params4bit(model.lm_head.weight.data.clone(), requires_grad=False, quant_type="nf4",
                             compress_statistics=False, module=head).to("cpu")  # fmt: skip
    head.compute_dtype = model.dtype
    model.lm_head = head


def _leave_in_float(model: Any) -> None:
    import torch
    from bitsandbytes import functional

    small = layer(model, UP)
    full = torch.nn.Linear(small.in_features, small.out_features, bias=False)
    full.weight.data = functional.dequantize_4bit(small.weight.data, small.weight.quant_state)
    model.base_model.set_submodule(UP, full.requires_grad_(False))


def _other_compute_dtype(model: Any) -> None:
    import torch

    layer(model, KEY).compute_dtype = torch.float16


def _norm_in_double(model: Any) -> None:
    norm = model.base_model.norm
    norm.weight.data = norm.weight.data.double()


def _one_more(model: Any) -> None:
    import torch

    model.base_model.norm.register_parameter("extra", torch.nn.Parameter(torch.ones(4)))


def _with_methods(model: Any, **methods: Any) -> None:
    family = type(model)
    model.__class__ = type(family.__name__, (family,), methods)


def _cast_quietly(model: Any) -> None:
    import torch

    _with_methods(model, half=torch.nn.Module.half)


mutant(
    "Q01",
    "the skip list is ignored: a module that it names is quantized",
    source="huggingface/transformers#24037",
    base=CHAT,
    caught_by=LINEAR,
    naming=("q_proj", "is quantized", "skip list"),
    patch=_skip("q_proj"),
    quantization="nf4",
)(as_they_are)

mutant(
    "Q02",
    "a skip list of the user's own makes the library quantize the head",
    source="huggingface/transformers#45674",
    base=CHAT,
    caught_by="quantization/own-skip-list-is-kept",
    severity="hazard",
    naming=("skip list", "lm_head is quantized too"),
    quantization="nf4",
    since="5.0",
)(as_they_are)

mutant(
    "Q13",
    "a partial skip list leaves an int8 head without its scales: the first forward pass fails",
    source="bitsandbytes-foundation/bitsandbytes#1634",
    base=CHAT,
    caught_by="quantization/own-skip-list-is-kept",
    severity="hazard",
    naming=("skip list", "forward pass fails", "'CB'"),
    quantization="int8",
    since="5.0",
)(as_they_are)

mutant(
    "Q04",
    "every linear layer is quantized, the head too",
    source="unsloth.ai/blog/dynamic-4bit",
    base=CHAT,
    caught_by=LINEAR,
    naming=("lm_head is quantized", "output head"),
    patch=_quantize_head,
    quantization="nf4",
)(as_they_are)


@mutant(
    "Q06",
    "the compute dtype is float32 by default, for a half-precision model too",
    source="bitsandbytes-foundation/bitsandbytes#2077",
    base=CHAT,
    caught_by="quantization/default-compute-dtype",
    severity="hazard",
    naming=("bnb_4bit_compute_dtype", "bfloat16 model", "float32"),
    quantization="nf4",
)
def in_bfloat16(directory: Path) -> None:
    edit_weights(directory, lambda tensors: {name: tensor.bfloat16() for name, tensor in tensors.items()})
    set_keys(directory / "config.json", dtype="bfloat16")


mutant(
    "QA10",
    "one layer stays in full precision, and nothing asks for it",
    source="own",
    base=CHAT,
    caught_by=LINEAR,
    naming=(UP, "stays in full precision"),
    patch=_leave_in_float,
    quantization="nf4",
)(as_they_are)

mutant(
    "QA11",
    "an entry of the skip list matches no module",
    source="huggingface/transformers#24043",
    base=CHAT,
    caught_by="quantization/skip-entries-match",
    severity="hazard",
    naming=("query_projection", "no such module"),
    patch=_skip("query_projection"),
    quantization="nf4",
)(as_they_are)

mutant(
    "QA12",
    "one layer computes in another dtype than the config says",
    source="own",
    base=CHAT,
    caught_by="quantization/compute-dtype",
    naming=(KEY, "float16", "config says float32"),
    patch=_other_compute_dtype,
    quantization="fp4",
)(as_they_are)

mutant(
    "QA13",
    "an unquantized parameter takes twice the memory",
    source="own",
    base=CHAT,
    caught_by="quantization/footprint-as-predicted",
    naming=("norm.weight", "float64", "float32"),
    patch=_norm_in_double,
    quantization="nf4",
)(as_they_are)

mutant(
    "QA14",
    "the quantized model has a parameter that the full one has not",
    source="own",
    base=CHAT,
    caught_by="quantization/no-parameter-lost",
    naming=("norm.extra", "is added"),
    patch=_one_more,
    quantization="int8",
)(as_they_are)

mutant(
    "QA15",
    "experts are stacked in one tensor and stay in full precision, without a word",
    source="huggingface/transformers MIGRATION_GUIDE_V5",
    base="tiny-mixture-of-experts",
    caught_by="quantization/no-weights-left-out",
    severity="hazard",
    naming=("of the parameters stay in full precision", "experts"),
    quantization="nf4",
    since="5.0",
)(as_they_are)

mutant(
    "QA16",
    "a cast of the quantized model is accepted",
    source="own",
    base=CHAT,
    caught_by="quantization/casts-refused",
    naming="half()",
    patch=_cast_quietly,
    quantization="nf4",
)(as_they_are)
