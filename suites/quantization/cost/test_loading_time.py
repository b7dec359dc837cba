from __future__ import annotations

from fixtures.models.loading import Loaded
from suites.findings import Record


def test_loading_time(loaded: Loaded, record: Record) -> None:
    """The time from files to a model on its device, quantized if the variant is, is measured as the run loads it.

    Why: whoever starts a server waits for it, and quantizing while loading takes longer than loading.
    Fix: nothing is to be mended; a checkpoint that was saved quantized loads faster.
    Source: https://huggingface.co/docs/transformers/quantization/overview (weights are quantized as they load)
    """
    record.metric("quantization.load_time", loaded.seconds, "s", better="lower", samples=1, compared=False)
