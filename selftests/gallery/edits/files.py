"""Small changes to the files of a model directory."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def unchanged(directory: Path) -> None:
    """Leaves the files healthy, for rows that change what was loaded from them."""


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
    """Replaces the tensors of model.safetensors by the result of `change`."""
    from safetensors.torch import load_file, save_file

    path = directory / "model.safetensors"
    tensors = {name: tensor.clone() for name, tensor in load_file(path).items()}
    path.unlink()  # a hard link to the healthy file
    save_file(change(tensors), path, metadata={"format": "pt"})


def use_own_class(directory: Path) -> None:
    """Keeps a model-specific class from restoring what the row removes from tokenizer.json."""
    set_keys(directory / "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")
    set_keys(directory / "config.json", model_type="unheard_of")


def added_token(number: int, content: str, **flags: bool) -> dict[str, Any]:
    plain = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    return {"id": number, "content": content, **plain, "special": True, **flags}


def forget_unused(data: dict[str, Any], count: int = 1) -> list[int]:
    """Removes the last tokens of a byte-level vocabulary and returns their ids."""
    model = data["model"]
    last = sorted(model["vocab"], key=model["vocab"].__getitem__)[-count:]
    model["merges"] = [pair for pair in model["merges"] if "".join(pair_of(pair)) not in last
                       and not set(pair_of(pair)) & set(last)]  # fmt: skip
    return [model["vocab"].pop(token) for token in last]


def pair_of(merge: str | list[str]) -> list[str]:
    return merge.split(" ") if isinstance(merge, str) else merge


def digits_one_by_one(directory: Path) -> None:
    """Splits off single digits instead of up to three: another pattern of the pre-tokenizer."""

    def change(data: dict[str, Any]) -> None:
        split = data["pre_tokenizer"]["pretokenizers"][0]
        split["pattern"]["Regex"] = split["pattern"]["Regex"].replace(r"\p{N}{1,3}", r"\p{N}")

    edit_tokenizer(directory, change)
