"""The sweeps find the smallest text and leave nothing out; the rule that they name is the right one."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Any

import pytest
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from suites.tokenizers.batch_codec import BatchCodec
from suites.tokenizers.round_trip.code_points import Sweep, chunks, extent, scalar_values, smallest
from suites.tokenizers.rules import rule_behind
from suites.tokenizers.special_tokens.adjacent_tokens import de_bruijn_sequence, longest_matches, thin_families
from suites.tokenizers.tokenization_pipeline import pipeline


def byte_level(**parts: Any) -> Any:
    """A tokenizer of single bytes, with other parts where they are given."""
    backend = Tokenizer(
        models.BPE({letter: n for n, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}, [])
    )
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = decoders.ByteLevel()
    for name, part in parts.items():
        setattr(backend, name, part)
    return PreTrainedTokenizerFast(tokenizer_object=backend)


def swept(tokenizer: Any) -> Sweep:
    """A sweep of the first four chunks."""
    sweep = Sweep(BatchCodec(tokenizer), pipeline(tokenizer))
    for _, chunk in zip(range(4), chunks(), strict=False):
        text = sweep.join(chunk)
        sweep.try_chunk(chunk, text, sweep.codec.encode([text])[0])
    return sweep


def test_chunks_are_all_of_unicode() -> None:
    whole = "".join(chunks())
    assert whole == scalar_values() == "".join(sorted(set(whole)))
    assert len(whole) == 0x110000 - 0x800
    assert not any("\ud800" <= each <= "\udfff" for each in whole)


def test_healthy_bytes_lose_nothing() -> None:
    sweep = swept(byte_level())
    assert not sweep.unknown | sweep.vanished | sweep.dropped | sweep.rewritten
    assert not sweep.wrong


def test_what_a_normalizer_changes_is_declared() -> None:
    sweep = swept(byte_level(normalizer=normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])))
    assert not sweep.vanished | sweep.dropped | sweep.rewritten
    assert not sweep.wrong


def test_what_a_normalizer_drops_is_found() -> None:
    assert swept(byte_level(normalizer=normalizers.Replace("é", ""))).dropped == {"é"}


def test_what_a_decoder_rewrites_is_found() -> None:
    both = decoders.Sequence([decoders.ByteLevel(), decoders.Replace("é", "e")])
    assert swept(byte_level(decoder=both)).rewritten == {"é"}


def test_missing_bytes_are_found() -> None:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    letters.remove("Ã")  # 0xC3: U+00C0 to U+00FF
    sweep = swept(byte_level(model=models.BPE({letter: n for n, letter in enumerate(letters)}, [])))
    assert sweep.vanished == {chr(point) for point in range(0xC0, 0x100)}


def test_unknown_characters_differ_from_vanished_ones() -> None:
    words = {"[UNK]": 0, "a": 1, "##a": 2, "é": 3, "##é": 4}
    parts = {"model": models.WordPiece(words, unk_token="[UNK]"), "pre_tokenizer": pre_tokenizers.WhitespaceSplit(),
             "decoder": decoders.WordPiece()}  # fmt: skip
    sweep = swept(byte_level(**parts))
    assert not sweep.vanished
    assert not sweep.wrong
    assert "b" in sweep.unknown
    assert not sweep.unknown & {"a", "é", " ", "\n"}


def unigram(*pieces: str, **options: Any) -> Any:
    model = models.Unigram([(piece, -float(n)) for n, piece in enumerate(pieces)], **options)
    return byte_level(model=model, pre_tokenizer=pre_tokenizers.Metaspace(), decoder=decoders.Metaspace())


def test_a_unigram_says_what_it_does_with_unknown_characters() -> None:
    assert pipeline(unigram("<unk>", "▁", "a", unk_id=0)).unknown == "<unk>"
    assert pipeline(unigram("▁", "a")).unknown is None
    spelled = pipeline(unigram("<unk>", "▁", *(f"<0x{n:02X}>" for n in range(256)), unk_id=0, byte_fallback=True))
    assert spelled.byte_fallback
    assert not spelled.bytes_missing


def test_white_space_that_is_a_piece_is_not_dropped() -> None:
    words = models.WordLevel({"[UNK]": 0, "a": 1}, unk_token="[UNK]")
    each = pipeline(byte_level(model=words, pre_tokenizer=pre_tokenizers.Split("", "isolated"), decoder=None))
    assert not each.spells(" ")
    assert pipeline(byte_level(model=words, pre_tokenizer=pre_tokenizers.Whitespace(), decoder=None)).spells(" ")


def test_what_is_stripped_alone_is_looked_at_inside_a_text() -> None:
    declared = pipeline(byte_level(normalizer=normalizers.Sequence([normalizers.Prepend("_"), normalizers.Strip()])))
    assert declared.normalized("\xa0") in {"", "_"}
    assert declared.normalized_inside("\xa0") == "\xa0"


def test_extent_names_kinds_and_planes() -> None:
    found = extent({"a", "\ue000", "\U0010fffd", "\U00050000"})
    assert (found["assigned"], found["private"], found["unassigned"], found["planes"]) == (1, 2, 1, "0, 5, 16")


@pytest.mark.parametrize("bad", ["x", "xy", "yx"])
def test_smallest_text(bad: str) -> None:
    assert smallest("a" * 100 + bad + "b" * 57, lambda text: bad in text) == bad


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7])
def test_all_pairs_are_tried_once(count: int) -> None:
    found = list(pairwise(de_bruijn_sequence(count)))
    assert sorted(found) == sorted(product(range(count), repeat=2))


def test_families_are_thinned() -> None:
    assert thin_families([f"<unused{n}>" for n in range(100)]) == ["<unused0>", "<unused1>", "<unused99>"]
    assert thin_families(["<s>", "</s>", "[INST]"]) == ["<s>", "</s>", "[INST]"]


def test_the_longest_token_wins() -> None:
    assert list(longest_matches("<a><b><a>", ["<a>", "<a><b>", "<b>"])) == ["<a><b>", "<a>"]


def test_longest_match_is_what_the_library_does() -> None:
    tokenizer = byte_level()
    names = ["<a>", "<a><b>", "<b>", "<b><a>"]
    tokenizer.add_tokens([AddedToken(name, special=True, normalized=False) for name in names])
    text = "".join(names[number] for number in de_bruijn_sequence(len(names)))
    assert tokenizer.tokenize(text) == list(longest_matches(text, names))


REMOVES = pre_tokenizers.Sequence(
    [pre_tokenizers.Split(Regex("[!?]"), "removed"), pre_tokenizers.ByteLevel(False, use_regex=False)]
)
RULES: dict[str, tuple[dict[str, Any], str]] = {
    "normalizer (Replace '\\xe9')": ({"normalizer": normalizers.Replace("é", "")}, "é"),
    "normalizer.normalizers[1] (Lowercase)": (
        {"normalizer": normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])}, "ABC"),
    "pre_tokenizer.pretokenizers[0] (Split '[!?]')": ({"pre_tokenizer": REMOVES}, "a!"),
    "decoder.decoders[1] (Replace 'é')".replace("é", "\\xe9"): (
        {"decoder": decoders.Sequence([decoders.ByteLevel(), decoders.Replace("é", "e")])}, "é"),
    "decoder.decoders[1] (Replace 'he')": (
        {"decoder": decoders.Sequence([decoders.ByteLevel(), decoders.Replace("he", "hehe")])}, "he"),
    "model (BPE)": ({"model": models.BPE({"a": 0}, [])}, "b"),
    "pre_tokenizer (no ByteLevel, which the decoder undoes)": ({"pre_tokenizer": None}, "a b"),
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
def test_rule_behind(rule: str) -> None:
    parts, text = RULES[rule]
    assert rule_behind(byte_level(**parts), text) == rule
