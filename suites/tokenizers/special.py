"""Special tokens and control tokens of a tokenizer."""

from __future__ import annotations

from typing import Any

from fixtures.machine import library_versions
from fixtures.subjects.subject import Subject


def special_tokens(tokenizer: Any) -> dict[str, Any]:
    """Tokens that are flagged special or have a name (eos_token), with their flags; none if they are split."""
    if getattr(tokenizer, "split_special_tokens", False):
        return {}
    added = tokenizer.added_tokens_decoder.values()
    named = set(tokenizer.all_special_tokens)
    return {token.content: token for token in added if token.special or token.content in named}


def control_tokens(subject: Subject, tokenizer: Any) -> dict[str, int]:
    """Special tokens that the files declare by a flag, a name (`eos_token`) or a list, with their ids.

    transformers 5 also counts user-defined pieces of a SentencePiece file; these are left out.
    """
    if library_versions.of_mistral_common(tokenizer):
        return {token: tokenizer.convert_tokens_to_ids(token) for token in tokenizer.all_special_tokens}
    settings = subject.json("tokenizer_config.json")
    lists = [settings.get(name) for name in ("additional_special_tokens", "extra_special_tokens")]
    listed = {str(token) for tokens in lists if isinstance(tokens, list) for token in tokens if isinstance(token, str)}
    named = {getattr(tokenizer, f"{name}_token", None) for name in ("bos", "eos", "pad", "unk", "sep", "cls", "mask")}
    return {
        content: tokenizer.convert_tokens_to_ids(content)
        for content, token in special_tokens(tokenizer).items()
        if token.special or content in listed | named
    }
