from __future__ import annotations

from typing import Any

from fixtures.session.uses import uses
from suites.findings import Defect, NotApplicable


@uses("generation")
def test_cache_has_every_layer(config: dict[str, Any], generator: Any) -> None:
    """The cache that the library builds from the config has an entry for each layer with its own keys and values.

    Why: a cache with too few layers adds them later as full attention, or drops keys and values. Static caches fail,
        and layers with a sliding window cache the whole text.
    Fix: remove `num_kv_shared_layers` if no layer shares its cache, or set it to the number of layers that do.
    Source: https://github.com/unslothai/unsloth-zoo/issues/580; https://huggingface.co/docs/transformers/kv_cache
    """
    from transformers import DynamicCache

    text = generator.config.get_text_config(decoder=True)
    layers = getattr(text, "num_hidden_layers", None)
    shared = getattr(text, "num_kv_shared_layers", 0) or 0
    if not isinstance(layers, int) or not isinstance(shared, int) or generator.config.is_encoder_decoder:
        raise NotApplicable("the config declares no number of decoder layers, or the model has an encoder")
    try:
        made = DynamicCache(config=text)
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # a family with another kind of state
        raise NotApplicable(f"the library builds no cache of keys and values from this config: {error}") from error
    if len(made.layers) != layers - shared:
        raise Defect(
            f"The cache built from the config has {len(made.layers)} layers, but the model has {layers}"
            f"{f', of which {shared} share a cache' if shared else ''}: num_kv_shared_layers is "
            f"{config.get('num_kv_shared_layers', shared)}.",
            evidence={"cache": len(made.layers), "layers": layers, "shared": shared},
        )
