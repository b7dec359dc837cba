"""Turn markers that a template writes although the vocabulary has no token for them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from fixtures.templates.chat import Chat, TemplateFails
from suites.running.limits import vocabulary
from suites.scoring import likelihood

MARKER = re.compile(r"<\|[\w ]+\|>|\[/?[A-Z_]{3,}\]|<</?SYS>>|<[a-z]+_of_turn>")
TURNS = re.compile(r"im_start|im_end|start_header|start_of_turn|end_of_turn|eot_id|INST|<\|(user|assistant|system)\|>")
CONVERSATION = (
    {"role": "user", "content": "What is 2 + 2?"},
    {"role": "assistant", "content": "The answer is 4."},
    {"role": "user", "content": "Thank you very much."},
)
UNKNOWN = 2.0
"""Nats per piece of a marker; trained markers have 0.1, and SmolLM2 gives markers of other families 3 to 6."""


@dataclass(frozen=True)
class ForeignMarker:
    """A marker that is encoded in pieces, while the vocabulary has unused tokens for turns."""

    marker: str
    unused: list[str]
    loss: float
    """Nats per piece after the first, at its first occurrence."""


def foreign_marker(chat: Chat, model: Any) -> ForeignMarker | None:
    """Returns the first such marker that the model does not expect; None if there is none."""
    try:
        text = chat.render(list(CONVERSATION))
    except TemplateFails:
        return None
    added = {str(token) for token in chat.tokenizer.added_tokens_decoder.values()}
    turns = text.removeprefix(chat.tokenizer.bos_token or "")
    unused = sorted(token for token in added if TURNS.search(token) and token not in turns)
    for match in MARKER.finditer(text) if unused else ():
        pieces = chat.encode(match[0])
        if match[0] in added or len(pieces) < 2:
            continue
        loss = _loss(chat, model, text[: match.end()], len(pieces) - 1)
        return ForeignMarker(match[0], unused, loss) if loss > UNKNOWN else None
    return None


def _loss(chat: Chat, model: Any, text: str, pieces: int) -> float:
    """Loss of the last pieces of a text, in nats each; -1 if the model has no embeddings for them."""
    ids = chat.encode(text)
    if len(ids) <= pieces or max(ids) >= vocabulary(model):
        return -1.0
    return sum(likelihood.losses(model, [ids])[0][-pieces:]) / pieces
