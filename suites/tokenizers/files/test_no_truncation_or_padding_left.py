from __future__ import annotations

from pathlib import Path
from typing import Any

from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.findings import Defect, Hazard, Record
from suites.tokenizers.files.tokenizer_json import TokenizerFile, read_tokenizer_json

LONG = "one two three four five six seven eight nine ten " * 60


@uses("text", "serving")
def test_no_truncation_or_padding_left(
    subject: Subject, tokenizer_json: Path, tokenizer: Any, fresh_tokenizer: Any, record: Record
) -> None:
    """tokenizer.json declares no truncation or padding, except truncation to the length of a sentence encoder.

    Why: programs that read the file without transformers truncate or pad every text unasked; save_pretrained writes
        both after a call with padding=True or truncation=True.
    Fix: Set "truncation" and "padding" to null in tokenizer.json, or save the tokenizer before it is called.
    Source: https://github.com/huggingface/transformers/issues/24441;
        https://github.com/martin-conur/quackformers/pull/83; https://github.com/daulet/tokenizers/issues/30
    """
    file = read_tokenizer_json(tokenizer_json)
    record.capability("tokenizer.truncation_in_file", file.truncation.get("max_length") if file.truncation else "none")
    record.capability("tokenizer.padding_in_file", described(file.padding))
    if file.truncation is not None or file.padding is not None:
        lengths = declared(subject, tokenizer)
        evidence = {"truncation": file.truncation, "padding": file.padding, "declared": lengths}
        check_first_call(fresh_tokenizer(), evidence)
        if not as_declared(file, lengths):
            raise Hazard(summary(file, lengths), evidence=evidence, uses=("serving",))


def described(padding: dict[str, Any] | None) -> str:
    if padding is None:
        return "off"
    return f"to {padding['length']}" if padding.get("length") else "to the longest of a batch"


def declared(subject: Subject, tokenizer: Any) -> dict[str, int]:
    """Lengths that the repository declares, by file."""
    sentence = subject.json("sentence_bert_config.json").get("max_seq_length")
    lengths = {"sentence_bert_config.json": sentence, "tokenizer_config.json": tokenizer.model_max_length}
    return {name: int(value) for name, value in lengths.items() if value and value < 10**12}


def as_declared(file: TokenizerFile, lengths: dict[str, int]) -> bool:
    """True for truncation to the length of sentence-transformers and for padding to the longest of a batch."""
    if file.truncation and file.truncation["max_length"] != lengths.get("sentence_bert_config.json"):
        return False
    return not (file.padding and file.padding.get("length"))


def summary(file: TokenizerFile, lengths: dict[str, int]) -> str:
    cuts = f"cuts every text at {file.truncation['max_length']} tokens" if file.truncation else ""
    pads = f"pads every text {described(file.padding)}" if file.padding else ""
    other = "; ".join(f"{name} declares {length}" for name, length in lengths.items())
    return (
        f"tokenizer.json {' and '.join(filter(None, [cuts, pads]))} unasked, in programs that read it without "
        f"transformers{f' ({other})' * bool(other)}."
    )


def check_first_call(tokenizer: Any, evidence: dict[str, Any]) -> None:
    """Raises Defect if the first call of a new tokenizer truncates or pads."""
    __tracebackhide__ = True
    long, batch = tokenizer(LONG)["input_ids"], tokenizer(["one", LONG])["input_ids"]
    limit = (evidence["truncation"] or {}).get("max_length")
    if limit and (len(long) <= limit or len(batch[1]) <= limit):
        raise Defect(
            f"In a call without truncation, a text is cut at {limit} tokens, as tokenizer.json declares truncation.",
            evidence={**evidence, "words": len(LONG.split()), "tokens": len(long)},
        )
    short = tokenizer("one")
    if 0 in short.get("attention_mask", []) or len(batch[0]) != len(short["input_ids"]):
        raise Defect(
            "In a call without padding, a text is padded, as tokenizer.json declares padding.",
            evidence={**evidence, "text": "one", "ids": list(short["input_ids"])[:40]},
        )
