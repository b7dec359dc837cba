"""Synonyms of config keys: other names by which other families and libraries call the same setting."""

from __future__ import annotations

from collections.abc import Collection

SYNONYMS: dict[str, tuple[str, ...]] = {
    "rope_theta": ("rope_base", "rotary_base", "rotary_emb_base", "theta", "rope_theta_base", "rope_freq_base"),
    "sliding_window": ("window_size", "sliding_window_size", "attention_window", "local_window", "attn_window"),
    "num_key_value_heads": ("num_kv_heads", "n_kv_heads", "n_kv_head", "kv_heads", "num_key_value_groups"),
    "num_attention_heads": ("n_head", "n_heads", "num_heads"),
    "num_hidden_layers": ("n_layer", "n_layers", "num_layers"),
    "hidden_size": ("n_embd", "d_model", "dim", "embed_dim"),
    "intermediate_size": ("ffn_dim", "n_inner", "d_ff", "ffn_hidden_size", "hidden_dim"),
    "max_position_embeddings": ("max_seq_len", "max_sequence_length", "seq_length", "n_positions", "n_ctx"),
    "tie_word_embeddings": ("tie_embeddings", "tie_weights", "tied_embeddings", "share_embeddings"),
    "rms_norm_eps": ("norm_eps", "rms_eps", "layer_norm_eps", "layer_norm_epsilon", "norm_epsilon"),
    "hidden_act": ("activation", "act_fn", "activation_function", "hidden_activation"),
}
ROPE_SYNONYMS: dict[str, tuple[str, ...]] = {
    "rope_theta": ("theta", "base", "rope_base", "rotary_base", "freq_base"),
    "factor": ("scale", "scaling_factor", "scaling", "scale_factor", "rope_factor"),
    "original_max_position_embeddings": ("original_max_position", "original_context_length", "original_max_len"),
}
"""Synonyms of keys inside of `rope_parameters` and `rope_scaling`."""


def canonical(key: str, known: Collection[str], synonyms: dict[str, tuple[str, ...]] = SYNONYMS) -> str | None:
    """Returns the known key that `key` is a synonym of, or None."""
    return next((name for name, others in synonyms.items() if key in others and name in known), None)
