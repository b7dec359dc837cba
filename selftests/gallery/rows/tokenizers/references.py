"""Defects that make ids differ from those of a reference tokenizer."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from fixtures.builtin.builders import llama_3_tokenizer
from fixtures.text.byte_letters import byte_letters
from selftests.gallery.edits.files import edit_tokenizer, set_keys
from selftests.gallery.registry import CHAT, CLASSIFIER, SENTENCEPIECE, mutant


@mutant(
    "tekken-default-pattern",
    "a conversion gave Mistral's tekken vocabulary the wrong pattern: 'The' and words with marks are cut apart",
    number="T05",
    source="huggingface/transformers#42299",
    base="mistral-tekken-tokenizer",
    caught_by="tokenizers/agrees-with-official-encoder",
    summary_contains=("Mistral", "pre_tokenizer", "'The'"),
)
def tekken_default_pattern(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        data["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"] = llama_3_tokenizer.PATTERN

    edit_tokenizer(directory, change)


def write_ranks(path: Path, data: dict[str, Any]) -> None:
    """Writes tiktoken's file for a byte-level vocabulary: every ordinary token, in the order of ids."""
    bytes_of = {letter: byte for byte, letter in byte_letters().items()}
    special = {token["content"] for token in data["added_tokens"]}
    vocabulary = data["model"]["vocab"]
    ordinary = [token for token in sorted(vocabulary, key=vocabulary.get) if token not in special]
    encoded = [base64.b64encode(bytes(bytes_of[letter] for letter in token)).decode() for token in ordinary]
    path.write_text("".join(f"{token} {rank}\n" for rank, token in enumerate(encoded)), encoding="ascii")


@mutant(
    "half-of-ranked-merges-lost",
    "half of the merges were lost: words are split; the owners' rank file is next to it",
    number="R01",
    source="own",
    base=CHAT,
    caught_by="tokenizers/agrees-with-official-encoder",
    summary_contains=("tokenizer.model", "merges"),
)
def half_of_ranked_merges_lost(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        write_ranks(directory / "tokenizer.model", data)
        data["model"]["merges"] = data["model"]["merges"][: len(data["model"]["merges"]) // 2]

    edit_tokenizer(directory, change)


def _type(model: Any, token: str) -> int:
    kinds = {"<unk>": model.SentencePiece.UNKNOWN, "<s>": model.SentencePiece.CONTROL,
             "</s>": model.SentencePiece.CONTROL}  # fmt: skip
    kind = model.SentencePiece.BYTE if token.startswith("<0x") else model.SentencePiece.NORMAL
    return int(kinds.get(token, kind))


def write_pieces(path: Path, data: dict[str, Any]) -> None:
    """Writes a SentencePiece model with the vocabulary as pieces, earlier merges with better scores."""
    from sentencepiece import sentencepiece_model_pb2

    model = sentencepiece_model_pb2.ModelProto()
    model.trainer_spec.model_type = model.trainer_spec.BPE
    model.trainer_spec.byte_fallback = True
    model.normalizer_spec.name = "identity"
    model.normalizer_spec.remove_extra_whitespaces = False
    vocabulary, merged = data["model"]["vocab"], ["".join(pair) for pair in data["model"]["merges"]]
    for token in sorted(vocabulary, key=vocabulary.get):
        score = -float(merged.index(token)) if token in merged else -10_000.0
        model.pieces.add(piece=token, score=score, type=_type(model, token))
    path.write_bytes(model.SerializeToString())


@mutant(
    "normalizer-not-in-sentencepiece",
    "tokenizer.json normalizes text, its SentencePiece model does not",
    number="R02",
    source="own",
    base=SENTENCEPIECE,
    caught_by="tokenizers/agrees-with-official-encoder",
    summary_contains=("SentencePiece model tokenizer.model", "normalizer"),
)
def normalizer_not_in_sentencepiece(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        write_pieces(directory / "tokenizer.model", data)
        data["normalizer"] = {"type": "Lowercase"}

    edit_tokenizer(directory, change)
    set_keys(directory / "tokenizer_config.json", tokenizer_class="PreTrainedTokenizerFast")
    set_keys(directory / "config.json", model_type="unheard_of")  # no class of its own takes the normalizer out


@mutant(
    "vocab-txt-other-order",
    "vocab.txt, which the slow tokenizer reads, has another order than tokenizer.json",
    number="R04",
    source="own",
    base=CLASSIFIER,
    caught_by="tokenizers/fast-and-slow-agree",
    summary_contains=("BertTokenizer", "other ids"),
)
def vocab_txt_other_order(directory: Path) -> None:
    path = directory / "vocab.txt"
    lines = path.read_text(encoding="utf-8").splitlines()
    ordinary = [line for line in lines if not line.startswith("[")]
    others = iter([*ordinary[1:], ordinary[0]])
    shifted = [line if line.startswith("[") else next(others) for line in lines]
    path.write_text("\n".join(shifted) + "\n", encoding="utf-8")
