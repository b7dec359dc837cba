from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import given

from fixtures.inputs.texts import TRICKY_TEXTS, texts
from fixtures.subjects.subject import Subject
from fixtures.text.differences import first_difference
from suites.evidence import around, escaped, tokens
from suites.findings import Defect, Finding, Hazard, Record, Unsupported
from suites.tokenizers.encoding import encode
from suites.tokenizers.evidence import case
from suites.tokenizers.files import difference_causes
from suites.tokenizers.files.class_overrides import overridden_components, override_clause
from suites.tokenizers.files.tokenizer_json import TokenizerFile, read_tokenizer_json
from suites.tokenizers.special import special_tokens

WHITE = "▁" + "".join(map(chr, [*range(9, 14), *range(28, 33), 0x85, 0xA0, 0x2028, 0x2029, 0x3000]))
# Where the pre-tokenizers in use part: runs of digits, contractions in capitals, line ends, scripts without spaces.
TELLING = (
    "I'M WE'LL DON'T O'CLOCK Can'T", "7 42 365 1024 65536 123456789 12a3b", "a\n\nb \n c\r\n\r\n  d\n", "x  y   z\t\tw",
    "你好123世界abc", "naïve CAFÉ e\u0301e\u0301", "camelCaseHTTPServer2Go mLpH", "!!?..,,--=={}()[]/\\n",
    "１２３ ½ ² ٣٤",
)  # fmt: skip
FRAMED = ("hello", "hello world", "")


def test_agrees_with_tokenizer_json(tokenizer_json: Path, tokenizer: Any, subject: Subject, record: Record) -> None:
    """The loaded tokenizer gives the ids and the text that tokenizer.json alone gives, special tokens included.

    Why: a tokenizer class may put its own pre-tokenizer or normalizer over the one in the file; every other
        consumer of the file then sees other ids, and so did the model in training.
    Fix: Set tokenizer_class in tokenizer_config.json to PreTrainedTokenizerFast, or to the class that the file was
        saved with.
    Source: https://github.com/huggingface/transformers/issues/45488;
        https://github.com/huggingface/transformers/issues/48206;
        https://github.com/huggingface/transformers/pull/47700
    """
    if not getattr(tokenizer, "backend_tokenizer", None):
        raise Unsupported(f"{type(tokenizer).__name__} does not read tokenizer.json")
    file = read_tokenizer_json(tokenizer_json)
    changed = overridden_components(tokenizer, file.tokenizer)
    record.capability("tokenizer.overridden_components", ", ".join(changed) or "nothing", evidence=changed or None)
    if (mended := getattr(tokenizer, "fix_mistral_regex", None)) is not None:
        record.capability("tokenizer.mistral_regex", "fixed" if mended else "only a warning")
    tried = [*TRICKY_TEXTS.values(), *TELLING, *with_special(tokenizer, file)]
    found = [difference(tokenizer, file.tokenizer, text) for text in tried]
    found += [decoded(tokenizer, file.tokenizer, text) for text in tried]

    @given(text=texts(min_size=1))
    def any_text(text: str) -> None:
        worst([difference(tokenizer, file.tokenizer, text), decoded(tokenizer, file.tokenizer, text)], Defect)

    worst(found, Defect)
    any_text()
    found += [framed(subject, tokenizer, file.tokenizer, text) for text in FRAMED]
    worst(found, Defect)
    worst(found, Hazard)


def with_special(tokenizer: Any, file: TokenizerFile) -> list[str]:
    added = file.added  # made anew each time it is asked for
    known = [token for token in special_tokens(tokenizer) if token in added]
    return [f"ab{token}cd" for token in known[:12]]


def worst(found: Sequence[Finding | None], severity: type[Finding]) -> None:
    """Raises the first finding of this severity: a difference at the edge must not hide one inside a text."""
    __tracebackhide__ = True
    for finding in found:
        if isinstance(finding, severity):
            raise finding


def difference(tokenizer: Any, file: Any, text: str) -> Finding | None:
    """What is to be said when the ids of a text differ from those of the file; only at its edges is a hazard."""
    ours, theirs = encode(tokenizer, text), file.encode(text, add_special_tokens=False).ids
    if ours == theirs:
        return None
    where = first_difference(ours, theirs)
    at_edge = ids_agree(tokenizer, file, text.strip(WHITE))
    what = "text with outer white space" if at_edge else "text"
    cause = difference_causes.ids_cause(tokenizer, file, text)
    return (Hazard if at_edge else Defect)(
        f"The loaded {type(tokenizer).__name__} gives {what} other ids than tokenizer.json: {cause}.",
        evidence={"text": escaped(text, limit=200), "first difference": where,
                  "expected ids": theirs[:40], "actual ids": ours[:40],
                  "expected tokens": tokens(tokenizer, theirs[where : where + 5]),
                  "actual tokens": tokens(tokenizer, ours[where : where + 5]),
                  "components": overridden_components(tokenizer, file)},
    )  # fmt: skip


def ids_agree(tokenizer: Any, file: Any, text: str) -> bool:
    return bool(encode(tokenizer, text) == file.encode(text, add_special_tokens=False).ids)


def decoded(tokenizer: Any, file: Any, text: str) -> Finding | None:
    """What is to be said when the same ids become another text; only at its edges is a hazard."""
    ids = file.encode(text, add_special_tokens=False).ids
    ours = tokenizer.decode(ids, clean_up_tokenization_spaces=False)
    theirs = file.decode(ids, skip_special_tokens=False)
    if ours == theirs:
        return None
    was, now = around(theirs, ours)
    cause = difference_causes.text_cause(tokenizer, file, text, ids)
    return (Hazard if ours.strip() == theirs.strip() else Defect)(
        f"The loaded {type(tokenizer).__name__} decodes to other text than tokenizer.json, {now} where {was} was: "
        f"{cause}.",
        evidence=case(tokenizer, text, ids, expected=escaped(theirs), actual=escaped(ours)),
    )


def framed(subject: Subject, tokenizer: Any, file: Any, text: str) -> Finding | None:
    """What is to be said when other special tokens are added to a text than the file adds."""
    if not ids_agree(tokenizer, file, text):
        return None  # told already
    ours, theirs = list(tokenizer(text)["input_ids"]), file.encode(text).ids
    if ours == theirs:
        return None
    flags = {name: value for name, value in subject.json("tokenizer_config.json").items()
             if name in ("add_bos_token", "add_eos_token") and value is not None}  # fmt: skip
    why = " and ".join(f"{name}: {str(value).lower()}" for name, value in flags.items())
    evidence = case(tokenizer, text, ours, expected=theirs, flags=flags, tokens_of_file=tokens(tokenizer, theirs))
    adds = f"adds {tokens_around(tokenizer, ours, text)}, tokenizer.json {tokens_around(tokenizer, theirs, text)}"
    if flags:
        return Hazard(
            f"The loaded {type(tokenizer).__name__} {adds}: tokenizer_config.json declares {why}, which programs that "
            "read tokenizer.json alone do not see.",
            evidence=evidence,
            remedy="Write what the flags say into post_processor of tokenizer.json.",
        )
    cause = override_clause(tokenizer, file, ("post_processor",)) or "its special tokens differ"
    return Defect(f"The loaded {type(tokenizer).__name__} {adds}: {cause}.", evidence=evidence)


def tokens_around(tokenizer: Any, ids: list[int], text: str) -> str:
    """The tokens beside those of the text."""
    own = encode(tokenizer, text)
    added = [number for number in ids if number not in own]
    return ", ".join(map(str, tokens(tokenizer, added))) or "nothing"
