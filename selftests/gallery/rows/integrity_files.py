"""Rows about what lies in the directory: pickles, links, copies, pointers, code."""

from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path

from selftests.gallery.edits import set_keys
from selftests.gallery.registry import CHAT, CLASSIFIER, mutant
from selftests.gallery.shards import split


@mutant(
    "I29",
    "a pickle beside safetensors",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/no-pickles",
    severity="hazard",
    naming=("pytorch_model.bin", "pickle"),
)
def pickle_beside(directory: Path) -> None:
    import torch

    torch.save({"classifier.weight": torch.zeros(2, 2)}, directory / "pytorch_model.bin")


class _Calls:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("true",)


@mutant(
    "I30",
    "a pickle that runs a command",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/no-pickles",
    naming=("training_args.bin", "system"),
)
def pickle_with_a_command(directory: Path) -> None:
    (directory / "training_args.bin").write_bytes(pickle.dumps({"arguments": _Calls()}))


@mutant(
    "I31",
    "a link out of the directory",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/stays-in-its-directory",
    naming=("vocab.txt", "link out of the directory"),
)
def link_outward(directory: Path) -> None:
    outside = directory.parent / "vocab-of-another.txt"
    shutil.move(directory / "vocab.txt", outside)
    (directory / "vocab.txt").symlink_to(outside)


@mutant(
    "I32",
    "a config file names a file of another directory",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/stays-in-its-directory",
    naming=("extra_vocab_file", "outside of the directory"),
)
def name_outward(directory: Path) -> None:
    set_keys(directory / "config.json", extra_vocab_file="../../other/vocab.txt")


@mutant(
    "I33",
    "shards of an earlier save beside the single file",
    source="own",
    base=CHAT,
    caught_by="integrity/one-set-of-weights",
    severity="hazard",
    naming=("model-00001-of-00002.safetensors", "model.safetensors"),
)
def stale_shards(directory: Path) -> None:
    kept = directory.parent / f"{directory.name}.safetensors"
    shutil.copy(directory / "model.safetensors", kept)
    split(directory, 2)
    (directory / "model.safetensors.index.json").unlink()
    shutil.move(kept, directory / "model.safetensors")


@mutant(
    "I34",
    "a file is a pointer of Git LFS",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/files-whole",
    naming=("vocab.txt", "Git LFS"),
)
def pointer(directory: Path) -> None:
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 2321\n"
    (directory / "vocab.txt").unlink()
    (directory / "vocab.txt").write_text(text, encoding="utf-8")


@mutant(
    "I35",
    "code of the repository imports what the library does not have",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/repository-code-fits",
    severity="hazard",
    naming=("modeling_mine.py", "transformers.modeling_utils.gone_long_ago"),
)
def code_for_another_version(directory: Path) -> None:
    (directory / "modeling_mine.py").write_text("from transformers.modeling_utils import gone_long_ago\n")


@mutant(
    "U06",
    "code of the repository takes the default rotary entry, which version 5 no longer has",
    source="unslothai/unsloth#6223",
    base=CLASSIFIER,
    caught_by="integrity/repository-code-fits",
    severity="hazard",
    naming=("modeling_mine.py", "ROPE_INIT_FUNCTIONS['default']"),
    since="5.0",
)
def code_with_default_rope(directory: Path) -> None:
    lines = ("from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS", "f = ROPE_INIT_FUNCTIONS['default']")
    (directory / "modeling_mine.py").write_text("\n".join(lines) + "\n")
