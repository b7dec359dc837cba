from __future__ import annotations

from typing import Any

from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Defect, Hazard


@uses("loading")
def test_ids_have_embedding_rows(subject: Subject, embedding_rows: int, tokenizer: Any) -> None:
    """Every id of the tokenizer is below vocab_size of config.json.

    Why: an id without an embedding row raises an index error, on a GPU a device-side assert without a cause.
    Fix: Resize the embeddings (model.resize_token_embeddings(len(tokenizer))), or remove the surplus tokens.
    Source: https://github.com/huggingface/transformers/issues/23401
    """
    outside = {token: number for token, number in tokenizer.get_vocab().items() if number >= embedding_rows}
    if outside:
        raise _finding(subject, tokenizer, outside, embedding_rows)


def _finding(subject: Subject, tokenizer: Any, outside: dict[str, int], embedding_rows: int) -> Defect | Hazard:
    """Returns a defect if tokens are in use, else a hazard."""
    added = {token.content for token in tokenizer.added_tokens_decoder.values()}
    used = [token for token in outside if token not in added or token in in_use(subject, tokenizer)]
    shown = dict(sorted(outside.items(), key=lambda item: (item[0] not in used, item[1]))[:20])
    named = ", ".join(f"{token} ({number})" for token, number in list(shown.items())[:3])
    severity, kind = (Defect, "some of tokens in use") if used else (Hazard, "all of unused added tokens")
    return severity(
        f"{len(outside)} ids, {kind}, have no embedding row because vocab_size is {embedding_rows}: {named}.",
        evidence={"vocab_size": embedding_rows, "tokens": shown, "count": len(outside)},
    )


def in_use(subject: Subject, tokenizer: Any) -> set[str]:
    """Tokens with a name (bos, pad, ...), and tokens that the chat template writes."""
    template = str(tokenizer.chat_template or "")
    written = {token.content for token in tokenizer.added_tokens_decoder.values() if token.content in template}
    return named_tokens(subject, tokenizer) | written


def named_tokens(subject: Subject, tokenizer: Any) -> set[str]:
    """Tokens with a name; placeholders for images and audio do not count, as they are replaced before the look-up."""
    names = ("bos_token", "eos_token", "pad_token", "unk_token", "sep_token", "cls_token", "mask_token")
    return {str(getattr(tokenizer, name)) for name in names if getattr(tokenizer, name, None)}
