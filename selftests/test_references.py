"""Oracles are chosen by the whole vocabulary, and a missing package is named."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from fixtures.builtin.byte_level import Vocabulary
from fixtures.references import matching, published, ranks
from fixtures.references.reference import ReferenceMissing, has, offset_of

PATTERN = r"\p{L}+|\P{L}"
RANKS = {bytes([byte]): byte for byte in range(256)} | {b"ab": 256, b"abc": 257}


def rank_file(path: Path) -> Path:
    path.write_text("".join(f"{base64.b64encode(token).decode()} {rank}\n" for token, rank in RANKS.items()))
    return path


def shifted(offset: int) -> dict[str, int]:
    return {token: rank + offset for token, rank in Vocabulary(RANKS, []).ordinary().items()}


@pytest.mark.parametrize("offset", [0, 7])
def test_ids_are_ranks_after_a_common_offset(offset: int) -> None:
    pytest.importorskip("tiktoken")
    found = ranks.fitting("it", RANKS, PATTERN, shifted(offset), own=True)
    assert found
    assert found.encode("abc ab") == [offset + 257, offset + 32, offset + 256]


def test_a_vocabulary_with_one_other_entry_is_not_theirs() -> None:
    """Not even of the same size: nothing can be said about its ids."""
    other = shifted(0)
    other["abc"], other["ab"] = other["ab"], other["abc"]
    assert offset_of(Vocabulary(RANKS, []).ordinary(), other) is None
    assert ranks.fitting("it", RANKS, PATTERN, other, own=True) is None
    assert offset_of({}, other) is None


def test_a_rank_file_is_told_from_a_sentencepiece_model(tmp_path: Path) -> None:
    (tmp_path / "spm").write_bytes(b"\n\x0e\n\x05<unk>\x15\x00")
    (tmp_path / "empty").write_bytes(b"")
    assert ranks.is_rank_file(rank_file(tmp_path / "ranks"))
    assert not ranks.is_rank_file(tmp_path / "spm")
    assert not ranks.is_rank_file(tmp_path / "empty")


@pytest.mark.parametrize("name", ["tokenizer.model", "some.tiktoken", "original/tokenizer.model"])
def test_files_beside_the_tokenizer_are_found(name: str, tmp_path: Path) -> None:
    pytest.importorskip("tiktoken")
    (tmp_path / name).parent.mkdir(exist_ok=True)
    rank_file(tmp_path / name)
    [found] = matching.references(tmp_path, shifted(0), PATTERN)
    assert found.encode("abc") == [257]
    assert not found.exact_pattern
    assert list(matching.references(tmp_path, shifted(0), None)) == []


def test_a_broken_file_is_no_reference(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.model").write_bytes(b"neither\n")
    (tmp_path / "tekken.json").write_text("{}")
    assert list(matching.references(tmp_path, shifted(0), PATTERN)) == []


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    known = published.Published("It", "no-such-package", "it.model", {"abc": 257}, PATTERN)
    monkeypatch.setattr(matching, "PUBLISHED", (known,))
    with pytest.raises(ReferenceMissing, match="pip install --no-deps no-such-package"):
        list(matching.references(tmp_path, shifted(0), PATTERN))
    assert list(matching.references(tmp_path, shifted(1), PATTERN)) == []


def test_published_vocabularies_do_not_overlap() -> None:
    """No vocabulary can be two of them: some entry has two ids, or one id two entries."""
    for each in published.PUBLISHED:
        for other in published.PUBLISHED:
            assert each is other or not has(each.sentinels, dict(other.sentinels))
