"""Small changes to the files of a model directory."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def edit_json(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Applies `change` to the JSON object in a file, in place."""
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(json.dumps(data, ensure_ascii=False, indent=2), encoding="utf-8")


def set_keys(path: Path, **values: Any) -> None:
    edit_json(path, lambda data: data.update(values))


def edit_template(directory: Path, old: str, new: str) -> None:
    """Replaces a piece of the chat template that must be there."""
    path = directory / "chat_template.jinja"
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in the template of {directory.name}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def prepend_template(directory: Path, text: str) -> None:
    path = directory / "chat_template.jinja"
    path.write_text(text + path.read_text(encoding="utf-8"), encoding="utf-8")


def edit_tokenizer(directory: Path, change: Callable[[dict[str, Any]], object]) -> None:
    edit_json(directory / "tokenizer.json", change)


def edit_added_token(directory: Path, content: str, **values: Any) -> None:
    """Changes the entry of an added token in tokenizer.json and in tokenizer_config.json."""

    def change(data: dict[str, Any]) -> None:
        entry = next(token for token in data["added_tokens"] if token["content"] == content)
        entry.update(values)

    edit_tokenizer(directory, change)

    def change_decoder(data: dict[str, Any]) -> None:
        for entry in (data.get("added_tokens_decoder") or {}).values():
            if entry["content"] == content:
                entry.update(values)

    edit_json(directory / "tokenizer_config.json", change_decoder)


def edit_weights(directory: Path, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Rewrites model.safetensors with what `change` makes of its tensors."""
    from safetensors.torch import load_file, save_file

    path = directory / "model.safetensors"
    tensors = {name: tensor.clone() for name, tensor in load_file(path).items()}
    path.unlink()  # a hard link to the healthy file
    save_file(change(tensors), path, metadata={"format": "pt"})
