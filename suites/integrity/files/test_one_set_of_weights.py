from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from fixtures.files import weights
from fixtures.subjects.subject import Subject
from suites.findings import Hazard, Record

SHARD = re.compile(r".*-\d{5}-of-\d{5}\.safetensors")
OTHER = ("pytorch_model.bin", "pytorch_model.bin.index.json", "tf_model.h5", "flax_model.msgpack", "model.ckpt.index",
         "consolidated.safetensors", "consolidated.00.pth")  # fmt: skip
SUFFIXES = (".gguf", ".onnx")


def test_one_set_of_weights(weight_files: Subject, record: Record) -> None:
    """The directory holds one set of weights, and every file of it is used.

    Why: one loader takes the single file, another the index, a third the old pickle. Copies that an earlier save left
        behind are other weights, and nothing tells which ones answered.
    Fix: delete what was left behind; publish other formats in repositories or folders of their own.
    Source: https://huggingface.co/docs/transformers/big_models; https://huggingface.co/docs/hub/models-uploading
    """
    directory, used = weight_files.path, weights.files(weight_files.path)
    unused = list(_unused(directory, used))
    others = [name for name in OTHER if (directory / name).is_file()]
    others += sorted(path.name for path in directory.iterdir() if path.suffix in SUFFIXES)
    record.capability("integrity.other_formats", ", ".join(others) or "none")
    if unused:
        how = f"{weights.SINGLE} is what loads" if weights.SINGLE in used else f"{weights.INDEX} does not name it"
        if weights.SINGLE in unused or (weights.SINGLE in used and (directory / weights.INDEX).is_file()):
            how = "a single file and shards lie side by side, and loaders differ in which they take"
        more = f" and {len(unused) - 1} more" if len(unused) > 1 else ""
        raise Hazard(f"{unused[0]}{more}: {how}.", evidence={"not used": unused[:20], "used": used[:20]})


def _unused(directory: Path, used: list[str]) -> Iterator[str]:
    """Weight files of the library's names that the chosen set does not hold; LoRA adapters are another model."""
    if weights.SINGLE in used and (directory / weights.INDEX).is_file():
        yield weights.INDEX
    for path in sorted(directory.glob("*.safetensors")):
        if path.name not in used and (path.name == weights.SINGLE or SHARD.fullmatch(path.name)):
            yield path.name
