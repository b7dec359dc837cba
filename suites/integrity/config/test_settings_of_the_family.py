from __future__ import annotations

from typing import Any

from fixtures.checkpoint.config_parts import text_part
from fixtures.machine import library_versions
from fixtures.session.uses import uses
from suites.findings import Hazard, NotApplicable, Record

ACTIVATIONS = ("hidden_act", "hidden_activation", "activation_function", "activation", "dense_act_fn")
NORMS = frozenset(
    {"rms_norm_eps", "layer_norm_eps", "layer_norm_epsilon", "norm_eps", "norm_epsilon", "normalization", "clip_qkv"}
    | {"attention_bias", "mlp_bias", "qkv_bias", "use_qk_norm", "parallel_residual", "use_parallel_residual"}
    | {"attn_logit_softcapping", "final_logit_softcapping", "query_pre_attn_scalar", "scale_attn_weights"}
)
SILU = {"silu", "swish"}
GELU_TANH = {"gelu_pytorch_tanh", "gelu_new", "gelu_fast"}
OF_SILU = (
    *("llama", "mistral", "mixtral", "qwen2", "qwen2_moe", "qwen3", "qwen3_moe", "phi3", "olmo", "olmo2", "olmo3"),
    *("deepseek_v2", "deepseek_v3", "granite", "cohere", "cohere2", "smollm3"),
)
OF_GELU = ("gemma", "gemma2", "gemma3_text", "gemma3n_text", "gpt2", "phi")
PUBLISHED = dict.fromkeys(OF_SILU, SILU) | dict.fromkeys(OF_GELU, GELU_TANH)
"""Activation functions by family, as in the vendor's models. The names in a set are one function or its approximation.

Gemma's first config says `gelu` and means the approximation; the library handles it.
"""


@uses("loading", worst="hazard")
def test_settings_of_the_family(config: dict[str, Any], record: Record) -> None:
    """The activation function is the one that the family was trained with; other differing settings are recorded.

    Why: a wrong activation loads without a message, and the output stays fluent. Exact instead of approximate GELU
        costs little quality, another function much.
    Fix: set the activation that the weights were trained with; if your model was trained with another one, accept it.
    Source: https://unsloth.ai/blog/gemma-bugs; https://huggingface.co/docs/transformers/main_classes/configuration
    """
    section = text_part(config)
    kind = section.get("model_type") or config.get("model_type")
    known = library_versions.config_keys(kind)
    differing = {
        key: value
        for key, value in section.items()
        if key in {*ACTIVATIONS, *NORMS} and key in known and value is not None and value != known[key]
    }
    values = ", ".join(f"{key} {value}" for key, value in differing.items())
    record.capability("integrity.unusual_settings", values or "nothing", evidence=differing)
    key = next((each for each in ("hidden_activation", *ACTIVATIONS) if section.get(each)), None)
    usual = PUBLISHED.get(str(kind))
    if not usual or not key:
        raise NotApplicable(f"seatrial does not know with which activation {kind} models were trained")
    if section[key] not in usual and not (str(kind).startswith("gemma") and section[key] == "gelu"):
        published = f"all published {kind} models were trained with {min(usual, key=len)}"
        raise Hazard(f"config.json sets {key} to {section[key]}, but {published}.", evidence={key: section[key]})
