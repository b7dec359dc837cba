from __future__ import annotations

from typing import Any

from suites.findings import Defect


def test_cache_has_every_layer(config: dict[str, Any], generator: Any) -> None:
    """The cache that the library makes from the config has a place for each layer that keeps keys and values.

    Why: a cache without layers grows them one by one as full attention, or drops what it is given; static caches fail,
        and layers with a sliding window are kept whole.
    Fix: remove `num_kv_shared_layers` where nothing is shared, or set it to the number of layers that share.
    Source: https://github.com/unslothai/unsloth-zoo/issues/580; https://huggingface.co/docs/transformers/kv_cache
    """
    from transformers import DynamicCache

    text = generator.config.get_text_config(decoder=True)
    layers = getattr(text, "num_hidden_layers", None)
    shared = getattr(text, "num_kv_shared_layers", 0) or 0
    if not isinstance(layers, int) or not isinstance(shared, int) or generator.config.is_encoder_decoder:
        return
    try:
        made = DynamicCache(config=text)
    except (AttributeError, KeyError, TypeError, ValueError):  # a family whose state is of another kind
        return
    if len(made.layers) != layers - shared:
        raise Defect(f"The cache made from the config has {len(made.layers)} layers, the model {layers}"
                     f"{f', of which {shared} share' if shared else ''}: num_kv_shared_layers is "
                     f"{config.get('num_kv_shared_layers', shared)}.",
                     evidence={"cache": len(made.layers), "layers": layers, "shared": shared})  # fmt: skip
