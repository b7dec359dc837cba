"""Markers of turns that a template writes and the vocabulary does not have."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from fixtures.templates.chat import Chat, TemplateFails
from suites.integrity.pairing import likelihood

MARKER = re.compile(r"<\|[\w ]+\|>|\[/?[A-Z_]{3,}\]|<</?SYS>>|<[a-z]+_of_turn>")
TURNS = re.compile(r"im_start|im_end|start_header|start_of_turn|end_of_turn|eot_id|INST|<\|(user|assistant|system)\|>")
TALK = ({"role": "user", "content": "What is 2 + 2?"}, {"role": "assistant", "content": "The answer is 4."},
        {"role": "user", "content": "Thank you very much."})  # fmt: skip
UNKNOWN = 2.0
"""Nats per piece: pieces of a marker that was trained follow each other with 0.1; SmolLM2 gives those of another family
3 to 6."""


@dataclass(frozen=True)
class Foreign:
    """A marker in pieces, beside tokens for turns that the template leaves alone."""

    marker: str
    unused: list[str]
    loss: float
    """Nats per piece behind the first, where it stands for the first time."""


def foreign(chat: Chat, model: Any) -> Foreign | None:
    """None where the template's markers are tokens, the vocabulary has no others, or the pieces follow each other."""
    try:
        text = chat.render(list(TALK))
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
        return Foreign(match[0], unused, loss) if loss > UNKNOWN else None
    return None


def _loss(chat: Chat, model: Any, text: str, pieces: int) -> float:
    """Of the last pieces of a text, in nats each; -1 where the model has no rows for them."""
    ids = chat.encode(text)
    if len(ids) <= pieces or max(ids) >= model.get_input_embeddings().weight.shape[0]:
        return -1.0
    return sum(likelihood.losses(model, [ids])[0][-pieces:]) / pieces
