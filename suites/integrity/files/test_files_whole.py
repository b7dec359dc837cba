from __future__ import annotations

import re
from pathlib import Path

from fixtures.checkpoint.traits import read_json
from fixtures.files import fingerprint
from fixtures.session.needs import needs
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Defect, Record

POINTER = b"version https://git-lfs.github.com/spec/"
CARD = ("README.md", "MODEL_CARD.md")
LICENSE = ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "NOTICE", "USE_POLICY.md")
SETTINGS = "tokenizer_config.json"
VOCABULARY = re.compile(
    r"^tokenizer\.json$|vocab|merges|\.(model|spm|tiktoken|codes|bpe|trie)$|^tekken|sentencepiece|^dict|bpe"
)
FILELESS = re.compile(r"^(ByT5|Canine|Perceiver|MyT5|Char|DAC|Rag)")
SHOWN_FILES = 60


@needs("config")
@uses("loading")
def test_files_whole(subject: Subject, record: Record) -> None:
    """Every file has its real content: none is empty, and none is a Git LFS pointer.

    Why: some loaders read a pointer file as settings; others fail with a misleading error.
    Fix: `git lfs pull`, or download the file again.
    Source: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md
    """
    manifest = fingerprint.manifest(subject.path)
    record.capability("integrity.files", len(manifest), evidence=dict(list(manifest.items())[:SHOWN_FILES]))
    record.capability("integrity.total_bytes", sum(entry["bytes"] for entry in manifest.values()))
    record.capability("integrity.model_card", next((name for name in CARD if subject.has(name)), "none"))
    record.capability("integrity.license", _license(subject) or "not stated")
    for name in manifest:
        _whole(subject.path / name, name)
    _has_vocabulary(subject, list(manifest))


def _whole(path: Path, name: str) -> None:
    __tracebackhide__ = True
    size = path.stat().st_size
    if size == 0 and path.suffix != ".py" and path.suffix != ".txt":
        raise Defect(f"{name} is an empty file.", evidence={"bytes": 0})
    if size < 1024:
        with path.open("rb") as file:
            if file.read(len(POINTER)) == POINTER:
                raise Defect(f"{name} is a Git LFS pointer, not the file itself.", evidence={"bytes": size})


def _has_vocabulary(subject: Subject, names: list[str]) -> None:
    """Raises Defect if there are tokenizer settings but no vocabulary; tokenizers of bytes or code points need none."""
    __tracebackhide__ = True
    settings = read_json(subject.path / SETTINGS)[0]
    kind = str(settings.get("tokenizer_class") or "")
    alone = subject.has(SETTINGS) and not any(VOCABULARY.search(name) for name in names)
    if alone and kind and not FILELESS.search(kind) and not settings.get("auto_map"):
        raise Defect(
            f"{SETTINGS} declares a {kind}, but there is neither tokenizer.json nor another vocabulary file.",
            evidence={"files": names[:SHOWN_FILES]},
        )


def _license(subject: Subject) -> str | None:
    """Returns the license that the model card declares, else the name of a license file."""
    card = subject.path / CARD[0]
    if card.is_file():
        head = card.read_text(encoding="utf-8", errors="replace")[:20_000].split("\n---", 1)[0]
        for line in head.splitlines():
            if line.startswith("license:"):
                return line.partition(":")[2].strip().strip("\"'")[:80] or None
    return next((name for name in LICENSE if subject.has(name)), None)
