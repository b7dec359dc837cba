"""Defects in which modules are quantized, their compute dtype and their memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits.files import edit_weights, set_keys, unchanged
from selftests.gallery.edits.quantized_layers import KEY, UP, layer
from selftests.gallery.registry import CHAT, SENTENCEPIECE, healthy, mutant


def _other_compute_dtype(model: Any) -> None:
    import torch

    layer(model, KEY).compute_dtype = torch.float16


mutant(
    "layer-compute-dtype-differs",
    "one layer computes in another dtype than the config says",
    number="QA12",
    source="own",
    base=CHAT,
    caught_by="quantization/compute-dtype",
    summary_contains=(KEY, "float16", "config says float32"),
    patch=_other_compute_dtype,
    quantization="fp4",
)(unchanged)


@mutant(
    "compute-dtype-default-float32",
    "the compute dtype is float32 by default, for a half-precision model too",
    number="Q06",
    source="bitsandbytes-foundation/bitsandbytes#2077",
    base=CHAT,
    caught_by="quantization/default-compute-dtype",
    severity="hazard",
    summary_contains=("bnb_4bit_compute_dtype", "bfloat16 model", "float32"),
    quantization="nf4",
)
def compute_dtype_default_float32(directory: Path) -> None:
    edit_weights(directory, lambda tensors: {name: tensor.bfloat16() for name, tensor in tensors.items()})
    set_keys(directory / "config.json", dtype="bfloat16")


def _norm_in_double(model: Any) -> None:
    norm = model.base_model.norm
    norm.weight.data = norm.weight.data.double()


mutant(
    "parameter-doubled-in-memory",
    "an unquantized parameter takes twice the memory",
    number="QA13",
    source="own",
    base=CHAT,
    caught_by="quantization/footprint-as-predicted",
    summary_contains=("norm.weight", "float64", "float32"),
    patch=_norm_in_double,
    quantization="nf4",
)(unchanged)


def _skip(*names: str) -> Any:
    def patch(model: Any) -> None:
        model.config.quantization_config.llm_int8_skip_modules = [*names]

    return patch


mutant(
    "skip-list-ignored",
    "the skip list is ignored: a module that it names is quantized",
    number="Q01",
    source="huggingface/transformers#24037",
    base=CHAT,
    caught_by="quantization/linear-layers-quantized",
    summary_contains=("q_proj", "is quantized", "skip list"),
    patch=_skip("q_proj"),
    quantization="nf4",
)(unchanged)


def _quantize_head(model: Any) -> None:
    """As with a list of layers that names every `Linear`."""
    from bitsandbytes.nn import Linear4bit, Params4bit

    head = Linear4bit(*reversed(model.lm_head.weight.shape), bias=False, quant_type="nf4", compress_statistics=False)
    head.weight = Params4bit(model.lm_head.weight.data.clone(), requires_grad=False, quant_type="nf4",
                             compress_statistics=False, module=head).to("cpu")  # fmt: skip
    head.compute_dtype = model.dtype
    model.lm_head = head


mutant(
    "head-quantized-too",
    "every linear layer is quantized, the head too",
    number="Q04",
    source="unsloth.ai/blog/dynamic-4bit",
    base=CHAT,
    caught_by="quantization/linear-layers-quantized",
    summary_contains=("lm_head is quantized", "output head"),
    patch=_quantize_head,
    quantization="nf4",
)(unchanged)


def _leave_in_float(model: Any) -> None:
    import torch
    from bitsandbytes import functional

    small = layer(model, UP)
    full = torch.nn.Linear(small.in_features, small.out_features, bias=False)
    full.weight.data = functional.dequantize_4bit(small.weight.data, small.weight.quant_state)
    model.base_model.set_submodule(UP, full.requires_grad_(False))


mutant(
    "layer-not-quantized",
    "one layer stays in full precision, and nothing asks for it",
    number="QA10",
    source="own",
    base=CHAT,
    caught_by="quantization/linear-layers-quantized",
    summary_contains=(UP, "stays in full precision"),
    patch=_leave_in_float,
    quantization="nf4",
)(unchanged)


def _one_more(model: Any) -> None:
    import torch

    model.base_model.norm.register_parameter("extra", torch.nn.Parameter(torch.ones(4)))


mutant(
    "quantized-extra-parameter",
    "the quantized model has a parameter that the full one has not",
    number="QA14",
    source="own",
    base=CHAT,
    caught_by="quantization/no-parameter-lost",
    summary_contains=("norm.extra", "is added"),
    patch=_one_more,
    quantization="int8",
)(unchanged)


mutant(
    "stacked-experts-unquantized",
    "experts are stacked in one tensor and stay in full precision, without a word",
    number="QA15",
    source="huggingface/transformers MIGRATION_GUIDE_V5",
    base="tiny-mixture-of-experts",
    caught_by="quantization/no-weights-left-out",
    severity="hazard",
    summary_contains=("of the parameters stay in full precision", "experts"),
    quantization="nf4",
    since="5.0",
)(unchanged)


mutant(
    "own-skip-list-quantizes-head",
    "a skip list of the user's own makes the library quantize the head",
    number="Q02",
    source="huggingface/transformers#45674",
    base=CHAT,
    caught_by="quantization/own-skip-list-is-kept",
    severity="hazard",
    summary_contains=("skip list", "lm_head is quantized too"),
    quantization="nf4",
    since="5.0",
)(unchanged)


mutant(
    "partial-skip-list-breaks-int8-head",
    "a partial skip list leaves an int8 head without its scales: the first forward pass fails",
    number="Q13",
    source="bitsandbytes-foundation/bitsandbytes#1634",
    base=CHAT,
    caught_by="quantization/own-skip-list-is-kept",
    severity="hazard",
    summary_contains=("skip list", "forward pass fails", "'CB'"),
    quantization="int8",
    since="5.0",
)(unchanged)


mutant(
    "skip-entry-matches-nothing",
    "an entry of the skip list matches no module",
    number="QA11",
    source="huggingface/transformers#24043",
    base=CHAT,
    caught_by="quantization/skip-entries-match",
    severity="hazard",
    summary_contains=("query_projection", "no such module"),
    patch=_skip("query_projection"),
    quantization="nf4",
)(unchanged)


healthy(
    "int8-with-untied-head",
    "the head has weights of its own, and stays in full precision",
    base=SENTENCEPIECE,
    check="quantization/linear-layers-quantized",
    quantization="int8",
)(unchanged)


healthy(
    "skip-entry-of-one-layer",
    "the skip list names a module of the model",
    base=CHAT,
    check="quantization/skip-entries-match",
    patch=_skip("lm_head"),
    quantization="nf4",
)(unchanged)
