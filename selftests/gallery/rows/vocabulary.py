"""Rows about tokens that no text becomes, and about causes of other ids that stand in one word of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from selftests.gallery.edits import edit_tokenizer, set_keys, use_own_class
from selftests.gallery.registry import CHAT, mutant


@mutant(
    "VR01",
    "half of the merges was cut off",
    source="own",
    base=CHAT,
    caught_by="tokenizers/vocabulary-reachable",
    naming=("of the vocabulary is never used", "merges"),
)
def half_of_the_merges(directory: Path) -> None:
    def change(data: dict[str, Any]) -> None:
        data["model"]["merges"] = data["model"]["merges"][: len(data["model"]["merges"]) // 2]

    edit_tokenizer(directory, change)


@mutant(
    "VR02",
    "the merges are in the reverse order",
    source="own",
    base=CHAT,
    caught_by="tokenizers/vocabulary-reachable",
    naming=("merges", "another order"),
)
def merges_reversed(directory: Path) -> None:
    edit_tokenizer(directory, lambda data: data["model"]["merges"].reverse())


@mutant(
    "VR03",
    "a cased vocabulary under a normalizer that lower-cases",
    source="own",
    base=CHAT,
    caught_by="tokenizers/vocabulary-reachable",
    severity="hazard",
    naming=("are rewritten", "Lowercase"),
)
def cased_vocabulary_lowered(directory: Path) -> None:
    use_own_class(directory)
    edit_tokenizer(directory, lambda data: data.update(normalizer={"type": "Lowercase"}))


@mutant(
    "VR04",
    "the dropout of merges that training used is left in the file: ids change from call to call",
    source="own",
    base=CHAT,
    caught_by="tokenizers/agrees-with-tokenizer-json",
    naming=("dropout of 0.1", "at random"),
)
def dropout_left(directory: Path) -> None:
    edit_tokenizer(directory, lambda data: data["model"].update(dropout=0.1))


@mutant(
    "VR05",
    "a comma is the pad token: it is taken out of every text",
    source="own",
    base=CHAT,
    caught_by="tokenizers/agrees-with-tokenizer-json",
    naming=("','", "pad_token"),
)
def comma_is_padding(directory: Path) -> None:
    set_keys(directory / "tokenizer_config.json", pad_token=",")


def tidies_up(tokenizer: Any) -> None:
    """As CLIP's class does: the backend's own decode is replaced in the loaded object."""
    plain = tokenizer.backend_tokenizer.decode
    tokenizer.backend_tokenizer.decode = lambda *given, **options: plain(*given, **options).replace("qu", "kw")


@mutant(
    "VR06",
    "the class puts a decode of its own before that of the backend",
    source="huggingface/tokenizers#872",
    base=CHAT,
    caught_by="tokenizers/agrees-with-tokenizer-json",
    naming="a decode of its own",
    patch_tokenizer=tidies_up,
)
def decode_wrapped(directory: Path) -> None:
    """Nothing in the files shows it."""
