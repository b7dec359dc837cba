from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import given

from fixtures.inputs.texts import TRICKY_TEXTS, texts
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from fixtures.text.differences import first_difference
from suites.evidence import around, escaped, tokens
from suites.findings import Defect, Finding, Hazard, NotApplicable, Record
from suites.tokenizers.encoding import encode
from suites.tokenizers.evidence import case
from suites.tokenizers.files import difference_causes
from suites.tokenizers.files.class_overrides import overridden_components, override_clause
from suites.tokenizers.files.tokenizer_json import TokenizerFile, read_tokenizer_json
from suites.tokenizers.special import special_tokens

WHITE = "▁" + "".join(map(chr, [*range(9, 14), *range(28, 33), 0x85, 0xA0, 0x2028, 0x2029, 0x3000]))
DISTINGUISHING_TEXTS = (
    "I'M WE'LL DON'T O'CLOCK Can'T", "7 42 365 1024 65536 123456789 12a3b", "a\n\nb \n c\r\n\r\n  d\n", "x  y   z\t\tw",
    "你好123世界abc", "naïve CAFÉ e\u0301e\u0301", "camelCaseHTTPServer2Go mLpH", "!!?..,,--=={}()[]/\\n",
    "１２３ ½ ² ٣٤",
)  # fmt: skip
TEXTS_WITH_SPECIAL_TOKENS = ("hello", "hello world", "")


@uses("text", "serving")
def test_agrees_with_tokenizer_json(tokenizer_json: Path, tokenizer: Any, subject: Subject, record: Record) -> None:
    """The loaded tokenizer gives the same ids and text as tokenizer.json alone, special tokens included.

    Why: a tokenizer class may replace the pre-tokenizer or normalizer of the file; programs that read the file alone
        then get other ids, and the model may have been trained on those.
    Fix: Set tokenizer_class in tokenizer_config.json to PreTrainedTokenizerFast, or to the class that the file was
        saved with.
    Source: https://github.com/huggingface/transformers/issues/45488;
        https://github.com/huggingface/transformers/issues/48206;
        https://github.com/huggingface/transformers/pull/47700
    """
    if not getattr(tokenizer, "backend_tokenizer", None):
        raise NotApplicable(f"{type(tokenizer).__name__} does not read tokenizer.json")
    file = read_tokenizer_json(tokenizer_json)
    changed = overridden_components(tokenizer, file.tokenizer)
    record.capability("tokenizer.overridden_components", ", ".join(changed) or "nothing", evidence=changed or None)
    if (fixed := getattr(tokenizer, "fix_mistral_regex", None)) is not None:
        record.capability("tokenizer.mistral_regex", "fixed" if fixed else "only a warning")
    tried = [*TRICKY_TEXTS.values(), *DISTINGUISHING_TEXTS, *texts_with_special(tokenizer, file)]
    findings = [compare_ids(tokenizer, file.tokenizer, text) for text in tried]
    findings += [compare_decoded(tokenizer, file.tokenizer, text) for text in tried]

    @given(text=texts(min_size=1))
    def any_text(text: str) -> None:
        both = [compare_ids(tokenizer, file.tokenizer, text), compare_decoded(tokenizer, file.tokenizer, text)]
        raise_first(both, Defect)

    raise_first(findings, Defect)
    any_text()
    findings += [compare_added(subject, tokenizer, file.tokenizer, text) for text in TEXTS_WITH_SPECIAL_TOKENS]
    raise_first(findings, Defect)
    raise_first(findings, Hazard)


def texts_with_special(tokenizer: Any, file: TokenizerFile) -> list[str]:
    added = file.added  # computed at each access
    known = [token for token in special_tokens(tokenizer) if token in added]
    return [f"ab{token}cd" for token in known[:12]]


def raise_first(findings: Sequence[Finding | None], severity: type[Finding]) -> None:
    """Raises the first finding of this severity, so that a hazard does not hide a defect."""
    __tracebackhide__ = True
    for finding in findings:
        if isinstance(finding, severity):
            raise finding


def compare_ids(tokenizer: Any, file: Any, text: str) -> Finding | None:
    """Finding about other ids than those of the file: a hazard if only outer white space makes the difference."""
    ours, theirs = encode(tokenizer, text), file.encode(text, add_special_tokens=False).ids
    if ours == theirs:
        return None
    where = first_difference(ours, theirs)
    at_edge = ids_agree(tokenizer, file, text.strip(WHITE))
    what = "a text with outer white space" if at_edge else "a text"
    cause = difference_causes.ids_cause(tokenizer, file, text)
    return (Hazard if at_edge else Defect)(
        f"The loaded {type(tokenizer).__name__} gives {what} other ids than tokenizer.json alone: {cause}.",
        evidence={
            "text": escaped(text, limit=200),
            "first difference": where,
            "expected ids": theirs[:40],
            "actual ids": ours[:40],
            "expected tokens": tokens(tokenizer, theirs[where : where + 5]),
            "actual tokens": tokens(tokenizer, ours[where : where + 5]),
            "components": overridden_components(tokenizer, file),
        },
    )


def ids_agree(tokenizer: Any, file: Any, text: str) -> bool:
    return bool(encode(tokenizer, text) == file.encode(text, add_special_tokens=False).ids)


def compare_decoded(tokenizer: Any, file: Any, text: str) -> Finding | None:
    """Finding about another text for the same ids: a hazard if only outer white space differs."""
    ids = file.encode(text, add_special_tokens=False).ids
    ours = tokenizer.decode(ids, clean_up_tokenization_spaces=False)
    theirs = file.decode(ids, skip_special_tokens=False)
    if ours == theirs:
        return None
    was, now = around(theirs, ours)
    cause = difference_causes.text_cause(tokenizer, file, text, ids)
    return (Hazard if ours.strip() == theirs.strip() else Defect)(
        f"The loaded {type(tokenizer).__name__} decodes to other text than tokenizer.json alone, {now} instead of "
        f"{was}: {cause}.",
        evidence=case(tokenizer, text, ids, expected=escaped(theirs), actual=escaped(ours)),
    )


def compare_added(subject: Subject, tokenizer: Any, file: Any, text: str) -> Finding | None:
    """Finding about other added tokens than those of the file."""
    if not ids_agree(tokenizer, file, text):
        return None  # compare_ids reports it
    ours, theirs = list(tokenizer(text)["input_ids"]), file.encode(text).ids
    if ours == theirs:
        return None
    flags = {
        name: value
        for name, value in subject.json("tokenizer_config.json").items()
        if name in ("add_bos_token", "add_eos_token") and value is not None
    }
    declared = " and ".join(f"{name}: {str(value).lower()}" for name, value in flags.items())
    evidence = case(tokenizer, text, ours, expected=theirs, flags=flags, tokens_of_file=tokens(tokenizer, theirs))
    of_file = tokens_around(tokenizer, theirs, text)
    adds = f"adds {tokens_around(tokenizer, ours, text)} to a text, tokenizer.json alone adds {of_file}"
    if flags:
        return Hazard(
            f"The loaded {type(tokenizer).__name__} {adds}: tokenizer_config.json declares {declared}, which programs "
            "that read tokenizer.json alone do not see.",
            evidence=evidence,
            fix="Let the post_processor of tokenizer.json add the tokens that the flags declare.",
        )
    cause = override_clause(tokenizer, file, ("post_processor",)) or "its special tokens differ"
    return Defect(f"The loaded {type(tokenizer).__name__} {adds}: {cause}.", evidence=evidence)


def tokens_around(tokenizer: Any, ids: list[int], text: str) -> str:
    """The tokens that are not of the text."""
    own = encode(tokenizer, text)
    added = [number for number in ids if number not in own]
    return ", ".join(map(str, tokens(tokenizer, added))) or "nothing"
