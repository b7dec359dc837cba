"""Untrained models of other architectures, put in the place of a subject's model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fixtures.builtin.random_weights import CONTEXT, HIDDEN, TOKENS, VOCABULARY

DECODER = {
    "hidden_size": HIDDEN,
    "intermediate_size": 2 * HIDDEN,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": CONTEXT,
    "initializer_range": 0.1,
}
"""Sizes that most decoders call so."""


def put_model(directory: Path, model_type: str, architecture: str, **settings: Any) -> None:
    """Replaces config and weights by those of a small untrained model, with norms and biases off ones and zeros."""
    import torch
    import transformers

    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        config = transformers.AutoConfig.for_model(model_type, **{"vocab_size": VOCABULARY} | TOKENS | settings)
        model = getattr(transformers, architecture)(config)
        for value in model.parameters():
            if value.dim() == 1:
                value.add_(torch.randn(value.shape) * 0.1)
    for path in (*directory.glob("*.safetensors*"), directory / "generation_config.json"):
        path.unlink(missing_ok=True)
    model.save_pretrained(directory)
