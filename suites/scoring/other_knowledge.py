"""What an encoder-decoder and a model that fills masks know of language, measured as in `knowledge`."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from fixtures.inputs.corpora.corpus import Corpus
from fixtures.models.loading import Loaded
from fixtures.subjects.subject import Subject
from suites.findings import Blocked
from suites.running import generate
from suites.running.limits import vocabulary
from suites.scoring import knowledge, passages
from suites.scoring.knowledge import Kind, Knowledge

TOKENS = 96
"""Tokens read of a text."""
ONE_IN = 7
"""Of so many tokens one is masked, as in training."""
CLEAR_ERRORS, CLEAR_GAIN = 6.0, 0.5
"""Standard errors and nats of a gain over all texts that count whatever the loss: an encoder-decoder may expect another
form of text than a copy of its input."""

Losses = dict[str, list[tuple[float, float]]]
"""Losses of a kind of text: of each token in order, and of the same token in shuffled text."""


def of_encoder_decoder(subject: Subject, tokenizer: Any, loaded: Loaded, corpus: Corpus) -> Knowledge:
    """Returns what an encoder-decoder knows, computed once: the text is its input, and its output token by token."""
    return loaded.once(
        f"language {corpus.version}",
        lambda: _decided(subject, loaded, tokenizer, _of_decoder(tokenizer, loaded.model, corpus)),
    )


def of_masks(subject: Subject, tokenizer: Any, loaded: Loaded, corpus: Corpus) -> Knowledge:
    """Returns what a masked language model knows, computed once: one token in seven is masked at a time."""
    return loaded.once(
        f"language {corpus.version}",
        lambda: _decided(subject, loaded, tokenizer, _of_masks(tokenizer, loaded.model, corpus)),
    )


def _decided(subject: Subject, loaded: Loaded, tokenizer: Any, found: Losses) -> Knowledge:
    chance = knowledge.chance_loss(loaded.model, tokenizer)
    kinds = tuple(
        Kind(name, tuple(one for one, _ in pairs), tuple(other - one for one, other in pairs))
        for name, pairs in found.items()
        if pairs
    )
    if not kinds:
        summary = "no text of the corpus has embeddings for all its tokens"
        raise Blocked("tokenizers/ids-have-embedding-rows", summary)
    known = next((kind.name for kind in kinds if kind.known(chance)), "")
    whole = Kind("all texts", *(tuple(each for kind in kinds for each in side(kind)) for side in (_losses, _gains)))
    if not known and loaded.model.config.is_encoder_decoder:
        known = whole.name if whole.gain > max(CLEAR_GAIN, CLEAR_ERRORS * whole.error) else ""
    result = Knowledge(chance, (*kinds, whole), known)
    return result if known else knowledge.with_canaries(result, subject, loaded)


def _losses(kind: Kind) -> Any:
    return kind.losses


def _gains(kind: Kind) -> Any:
    return kind.gains


def _of_decoder(tokenizer: Any, model: Any, corpus: Corpus) -> Losses:
    import torch

    start = _start(model)
    found: Losses = {}
    for passage in passages.passages(model, tokenizer, corpus):
        ids = list(passage.ids[:TOKENS])
        order = knowledge.shuffled(len(ids))
        source = torch.tensor([[*ids, *_end(tokenizer, model)]])
        inside, outside = (
            _target_losses(model, source, start, target) for target in (ids, [ids[index] for index in order])
        )
        place = {old: new for new, old in enumerate(order)}
        pairs = [(inside[index], outside[place[index]]) for index in knowledge.counted(ids)]
        found.setdefault(passage.text.domain, []).extend(pairs)
    return found


def _target_losses(model: Any, source: Any, start: int, target: list[int]) -> list[float]:
    import torch

    decoded = torch.tensor([[start, *target[:-1]]])
    inputs = {"input_ids": source, "attention_mask": torch.ones_like(source), "decoder_input_ids": decoded}
    with generate.refusals("A forward pass"):
        logits = generate.logits(model, inputs)[0]
    return [float(each) for each in -logits.log_softmax(-1)[range(len(target)), target]]


def _start(model: Any) -> int:
    shipped, config = model.generation_config, model.config
    given = (shipped.decoder_start_token_id, getattr(config, "decoder_start_token_id", None), shipped.bos_token_id)
    return next((int(token) for token in given if token is not None), 0)


def _end(tokenizer: Any, model: Any) -> list[int]:
    end = tokenizer.eos_token_id
    return [int(end)] if end is not None and end < vocabulary(model) else []


def _of_masks(tokenizer: Any, model: Any, corpus: Corpus) -> Losses:
    import torch

    found: Losses = {}
    for passage in passages.passages(model, tokenizer, corpus):
        whole = tokenizer(passage.text.text, truncation=True, max_length=TOKENS)["input_ids"]
        special = {*tokenizer.all_special_ids}
        own = [index for index, token in enumerate(whole) if token not in special]
        pairs = found.setdefault(passage.text.domain, [])
        for masked in _masked(own):
            rest = [index for index in own if index not in masked]
            mixed = list(rest)
            random.Random(len(rest)).shuffle(mixed)
            rows = torch.tensor([whole, whole])
            rows[1, rest] = rows[0, mixed]
            rows[:, masked] = tokenizer.mask_token_id
            with generate.refusals("A forward pass"):
                logits = generate.logits(model, {"input_ids": rows, "attention_mask": torch.ones_like(rows)})
            targets = [whole[index] for index in masked]
            inside, outside = -logits[:, masked].log_softmax(-1)[:, range(len(masked)), targets]
            pairs += list(zip(inside.tolist(), outside.tolist(), strict=True))
    return found


def _masked(positions: list[int]) -> Iterator[list[int]]:
    """Yields three sets of positions to mask, one in seven each."""
    for first in (1, 3, 5):
        if chosen := positions[first::ONE_IN]:
            yield chosen
