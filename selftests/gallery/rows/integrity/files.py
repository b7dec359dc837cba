"""Defects of the files in a model's directory: pickles, links, pointers, custom code."""

from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path

from selftests.gallery.edits.files import set_keys
from selftests.gallery.edits.shards import split
from selftests.gallery.registry import CHAT, CLASSIFIER, healthy, mutant


@mutant(
    "git-lfs-pointer",
    "a file is a pointer of Git LFS",
    number="I34",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/files-whole",
    summary_contains=("vocab.txt", "Git LFS"),
)
def git_lfs_pointer(directory: Path) -> None:
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 2321\n"
    (directory / "vocab.txt").unlink()
    (directory / "vocab.txt").write_text(text, encoding="utf-8")


@mutant(
    "tokenizer-without-vocabulary",
    "a tokenizer's settings without its vocabulary",
    number="J18",
    source="own",
    base=CHAT,
    caught_by="integrity/files-whole",
    summary_contains=("tokenizer_config.json declares", "neither tokenizer.json"),
)
def tokenizer_without_vocabulary(directory: Path) -> None:
    (directory / "tokenizer.json").unlink()


@mutant(
    "custom-code-shadows-class",
    "code of the repository shadows the library's class",
    number="S27",
    source="own",
    base=CHAT,
    severity="hazard",
    caught_by="integrity/native-code",
    summary_contains="modeling_mine.py",
)
def custom_code_shadows_class(directory: Path) -> None:
    set_keys(directory / "config.json", auto_map={"AutoModelForCausalLM": "modeling_mine.Mine"})


@mutant(
    "pickle-next-to-safetensors",
    "a pickle next to safetensors",
    number="I29",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/no-pickles",
    severity="hazard",
    summary_contains=("pytorch_model.bin", "pickle"),
)
def pickle_next_to_safetensors(directory: Path) -> None:
    import torch

    torch.save({"classifier.weight": torch.zeros(2, 2)}, directory / "pytorch_model.bin")


class _Calls:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, ("true",)


@mutant(
    "pickle-runs-command",
    "a pickle that runs a command",
    number="I30",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/no-pickles",
    summary_contains=("training_args.bin", "system"),
)
def pickle_runs_command(directory: Path) -> None:
    (directory / "training_args.bin").write_bytes(pickle.dumps({"arguments": _Calls()}))


@mutant(
    "optimizer-state-shipped",
    "the state of an optimizer, a pickle, next to the weights",
    number="J19",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/no-pickles",
    severity="hazard",
    summary_contains=("optimizer.pt", "left over from training"),
)
def optimizer_state_shipped(directory: Path) -> None:
    import torch

    torch.save({"step": 1}, directory / "optimizer.pt")


@mutant(
    "stale-shards",
    "shards of an earlier save next to the single file",
    number="I33",
    source="own",
    base=CHAT,
    caught_by="integrity/one-set-of-weights",
    severity="hazard",
    summary_contains=("model-00001-of-00002.safetensors", "model.safetensors"),
)
def stale_shards(directory: Path) -> None:
    single = directory.parent / f"{directory.name}.safetensors"
    shutil.copy(directory / "model.safetensors", single)
    split(directory, 2)
    (directory / "model.safetensors.index.json").unlink()
    shutil.move(single, directory / "model.safetensors")


@mutant(
    "custom-code-imports-missing-name",
    "code of the repository imports what the library does not have",
    number="I35",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/repository-code-fits",
    severity="hazard",
    summary_contains=("modeling_mine.py", "transformers.modeling_utils.gone_long_ago"),
)
def custom_code_imports_missing_name(directory: Path) -> None:
    (directory / "modeling_mine.py").write_text("from transformers.modeling_utils import gone_long_ago\n")


@mutant(
    "custom-code-default-rope",
    "code of the repository takes the default rotary entry, which version 5 no longer has",
    number="U06",
    source="unslothai/unsloth#6223",
    base=CLASSIFIER,
    caught_by="integrity/repository-code-fits",
    severity="hazard",
    summary_contains=("modeling_mine.py", "ROPE_INIT_FUNCTIONS['default']"),
    since="5.0",
)
def custom_code_default_rope(directory: Path) -> None:
    lines = ("from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS", "f = ROPE_INIT_FUNCTIONS['default']")
    (directory / "modeling_mine.py").write_text("\n".join(lines) + "\n")


@mutant(
    "file-link-leaves-directory",
    "a link out of the directory",
    number="I31",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/stays-in-its-directory",
    summary_contains=("vocab.txt", "link out of the directory"),
)
def file_link_leaves_directory(directory: Path) -> None:
    outside = directory.parent / "vocab-of-another.txt"
    shutil.move(directory / "vocab.txt", outside)
    (directory / "vocab.txt").symlink_to(outside)


@mutant(
    "config-names-outside-file",
    "a config file names a file of another directory",
    number="I32",
    source="own",
    base=CLASSIFIER,
    caught_by="integrity/stays-in-its-directory",
    summary_contains=("extra_vocab_file", "outside of the directory"),
)
def config_names_outside_file(directory: Path) -> None:
    set_keys(directory / "config.json", extra_vocab_file="../../other/vocab.txt")


@healthy(
    "unrelated-files",
    "a model card, a licence, an image and a training log are next to the model",
    base=CHAT,
    check="integrity/one-set-of-weights",
)
def unrelated_files(directory: Path) -> None:
    (directory / "assets").mkdir()
    for name in ("README.md", "LICENSE", ".gitattributes", "assets/loss.png", "trainer_state.json"):
        (directory / name).write_text("{}", encoding="utf-8")


@healthy(
    "link-inside-directory",
    "the weights are a link to a file of the same directory, as in a cache of the Hub",
    base=CHAT,
    check="integrity/stays-in-its-directory",
)
def link_inside_directory(directory: Path) -> None:
    (directory / "blobs").mkdir()
    (directory / "model.safetensors").rename(directory / "blobs" / "weights")
    (directory / "model.safetensors").symlink_to(Path("blobs") / "weights")
