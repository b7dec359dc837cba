from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from fixtures.files import weights
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Hazard, Record

SHARD = re.compile(r".*-\d{5}-of-\d{5}\.safetensors")
OTHER = (
    "pytorch_model.bin",
    "pytorch_model.bin.index.json",
    "tf_model.h5",
    "flax_model.msgpack",
    "model.ckpt.index",
    "consolidated.safetensors",
    "consolidated.00.pth",
)
SUFFIXES = (".gguf", ".onnx")


@uses("loading", worst="hazard")
def test_one_set_of_weights(weight_files: Subject, record: Record) -> None:
    """The directory holds one set of weights, and all of its files are loaded.

    Why: one loader takes the single file, another the index, a third the old pickle. Copies left by an earlier save
        can hold different weights, and no message shows which ones were loaded.
    Fix: delete the leftover files; publish other formats in separate repositories or folders.
    Source: https://huggingface.co/docs/transformers/big_models; https://huggingface.co/docs/hub/models-uploading
    """
    directory, used = weight_files.path, weights.files(weight_files.path)
    unused = list(_unused(directory, used))
    others = [name for name in OTHER if (directory / name).is_file()]
    others += sorted(path.name for path in directory.iterdir() if path.suffix in SUFFIXES)
    record.capability("integrity.other_weight_formats", ", ".join(others) or "none")
    if unused:
        why = f"{weights.SINGLE} is loaded instead" if weights.SINGLE in used else f"{weights.INDEX} does not name it"
        if weights.SINGLE in unused or (weights.SINGLE in used and (directory / weights.INDEX).is_file()):
            why = "the directory has both a single file and shards, and loaders differ in which they take"
        what = f"{unused[0]} and {len(unused) - 1} more are" if len(unused) > 1 else f"{unused[0]} is"
        raise Hazard(f"{what} not loaded: {why}.", evidence={"not used": unused[:20], "used": used[:20]})


def _unused(directory: Path, used: list[str]) -> Iterator[str]:
    """Yields weight files with the library's names that are not in the loaded set; LoRA adapters do not count."""
    if weights.SINGLE in used and (directory / weights.INDEX).is_file():
        yield weights.INDEX
    for path in sorted(directory.glob("*.safetensors")):
        if path.name not in used and (path.name == weights.SINGLE or SHARD.fullmatch(path.name)):
            yield path.name
