from __future__ import annotations

from fixtures.models.loading import Loaded
from fixtures.session.uses import uses
from suites.findings import Record


@uses("quantization", worst="nothing")
def test_loading_time(loaded: Loaded, record: Record) -> None:
    """Records the time to load the files onto the device, with the quantization of the variant.

    Why: every start of a server waits for it, and quantizing while loading takes longer than loading.
    Fix: nothing to fix; a checkpoint that was saved quantized loads faster.
    Source: https://huggingface.co/docs/transformers/quantization/overview (weights are quantized as they load)
    """
    record.metric("quantization.load_time", loaded.seconds, "s", better="lower", samples=1, compared=False)
