"""Special tokens and control tokens of a tokenizer."""

from __future__ import annotations

from typing import Any

from fixtures.machine import library_versions
from fixtures.subjects.subject import Subject


def special_tokens(tokenizer: Any) -> dict[str, Any]:
    """Every token that is flagged special, with the flags that it declares."""
    if getattr(tokenizer, "split_special_tokens", False):
        return {}
    added = tokenizer.added_tokens_decoder.values()
    named = set(tokenizer.all_special_tokens)
    return {token.content: token for token in added if token.special or token.content in named}


def control_tokens(subject: Subject, tokenizer: Any) -> dict[str, int]:
    """Special tokens that a flag, a name (`eos_token`) or a list of the files declares, with their ids.

    transformers 5 also counts the user-defined pieces of a SentencePiece file; nobody declared those.
    """
    if library_versions.of_mistral_common(tokenizer):
        return {token: tokenizer.convert_tokens_to_ids(token) for token in tokenizer.all_special_tokens}
    settings = subject.json("tokenizer_config.json")
    lists = [settings.get(name) for name in ("additional_special_tokens", "extra_special_tokens")]
    listed = {str(token) for tokens in lists if isinstance(tokens, list) for token in tokens if isinstance(token, str)}
    named = {getattr(tokenizer, f"{name}_token", None) for name in ("bos", "eos", "pad", "unk", "sep", "cls", "mask")}
    return {content: tokenizer.convert_tokens_to_ids(content) for content, token in special_tokens(tokenizer).items()
            if token.special or content in listed | named}  # fmt: skip
