"""Uses: what somebody wants to do with a subject. The one table; a new use is a change of it."""

from __future__ import annotations

USES = {
    "loading": "the files are complete, consistent, safe, and load as declared",
    "text": "text becomes ids and text again, on every path",
    "generation": "continues text: alone, batched, cached, streamed, stopped; knows its language better than chance",
    "chat": "conversations of user and assistant over several turns",
    "system": "system messages",
    "tools": "tool definitions, calls and results",
    "reasoning": "thoughts before an answer",
    "images": "images as input, and placeholders for them",
    "audio": "sound as input, and placeholders for it",
    "video": "video as input, and placeholders for it",
    "embeddings": "vectors: pooling, normalisation, similarity",
    "quantization": "quantized variants, compared with full precision",
    "training": "labels, masks, padding, resizing, gradients",
    "serving": "prefix reuse, other engines, untrusted input, concurrency",
    "sharing": "saving, reloading, converting, merging",
}
"""Name to what `fit` means, in the order in which they are listed; besides them there is `task:NAME`."""
TASK = "task:"


def is_use(name: str) -> bool:
    """True for a name of the table, or of a pipeline task."""
    return name in USES or (name.startswith(TASK) and len(name) > len(TASK))


def in_order(names: set[str]) -> list[str]:
    """Sorts uses as the table lists them; tasks follow `chat`."""
    order = list(USES)
    return sorted(names, key=lambda name: (order.index(name) if name in USES else order.index("chat") + 0.5, name))
