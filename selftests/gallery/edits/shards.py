"""A checkpoint in several files with an index, for rows about shards."""

from __future__ import annotations

import json
from pathlib import Path


def split(directory: Path, count: int) -> dict[str, str]:
    """Splits model.safetensors into `count` shards. Returns the index: tensor to file."""
    from safetensors.torch import load_file, save_file

    path = directory / "model.safetensors"
    tensors = load_file(path)
    path.unlink()
    names = sorted(tensors)
    files = {name: f"model-{place % count + 1:05d}-of-{count:05d}.safetensors" for place, name in enumerate(names)}
    for file in sorted(set(files.values())):
        held = {name: tensors[name].clone() for name in names if files[name] == file}
        save_file(held, directory / file, metadata={"format": "pt"})
    write_index(directory, files)
    return files


def write_index(directory: Path, files: dict[str, str]) -> None:
    index = {"metadata": {}, "weight_map": files}
    (directory / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
