"""Ids and names of special tokens, as the files of a subject declare them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from fixtures.checkpoint.config_parts import text_part
from fixtures.subjects.subject import Subject
from suites.tokenizers.files.tokenizer_json import read_section

NAMES = ("bos", "eos", "pad", "unk", "sep", "cls", "mask")
CONFIG_NAMES = ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id")


def ids_by_file(subject: Subject) -> dict[str, dict[str, int]]:
    """The ids of each token by file: {token: {file: id}}."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for file, token, number in statements(subject):
        found[token][file] = number
    return dict(found)


def statements(subject: Subject) -> Iterator[tuple[str, str, int]]:
    """Each (file, token, id) that a file declares; the loader reports malformed entries."""
    for token, number in subject.json("added_tokens.json").items():
        if isinstance(number, int):
            yield "added_tokens.json", token, number
    decoder = subject.json("tokenizer_config.json").get("added_tokens_decoder")
    for key, entry in (decoder if isinstance(decoder, dict) else {}).items():
        if (text := content(entry)) and str(key).isdigit():
            yield "tokenizer_config.json", text, int(key)
    if subject.has("tokenizer.json"):
        yield from in_tokenizer_json(subject)


def in_tokenizer_json(subject: Subject) -> Iterator[tuple[str, str, int]]:
    file = subject.path / "tokenizer.json"
    for entry in read_section(file, "added_tokens") or []:
        yield "tokenizer.json", entry["content"], entry["id"]
    for token, number in template_ids(read_section(file, "post_processor")):
        yield "post_processor of tokenizer.json", token, number


def template_ids(processor: Any) -> Iterator[tuple[str, int]]:
    """Tokens and ids that a post-processor adds (TemplateProcessing, BertProcessing, RobertaProcessing)."""
    if not isinstance(processor, dict):
        return
    for inner in processor.get("processors") or []:
        yield from template_ids(inner)
    for entry in (processor.get("special_tokens") or {}).values():
        yield from zip(entry["tokens"], entry["ids"], strict=False)
    for pair in (processor.get("sep"), processor.get("cls")):
        if isinstance(pair, list):
            yield pair[0], pair[1]


def content(entry: Any) -> str | None:
    """The text of a token that a file declares as a string or as an object; None for anything else."""
    text = entry.get("content") if isinstance(entry, dict) else entry
    return text if isinstance(text, str) else None


def named_tokens(subject: Subject, file: str) -> dict[str, str]:
    """Tokens by name (`bos`, ...) in a file of tokenizer settings."""
    settings = subject.json(file)
    tokens = {name: content(settings.get(f"{name}_token")) for name in NAMES}
    return {name: token for name, token in tokens.items() if token}


def config_ids(subject: Subject, file: str) -> dict[str, list[int]]:
    """Special ids in `config.json` (of its text model too) or `generation_config.json`; -1 stands for none."""
    settings = subject.json(file)
    inner = text_part(settings)
    found = {}
    for name in CONFIG_NAMES:
        value = settings[name] if settings.get(name) is not None else inner.get(name)
        numbers = value if isinstance(value, list) else [value]
        if valid := [number for number in numbers if type(number) is int and number >= 0]:
            found[name] = valid
    return found
