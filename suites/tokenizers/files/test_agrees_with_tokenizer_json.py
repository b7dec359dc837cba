"""Promise: the tokenizer that loads is the one in the file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hypothesis import given

from fixtures.inputs.texts import NASTY, texts
from fixtures.subjects.subject import Subject
from suites.findings import Defect, Finding, Hazard, Unsupported
from suites.tokenizers.declared import kinds, state
from suites.tokenizers.evidence import escaped, first_difference, tokens
from suites.tokenizers.special import encode, special_tokens

WHITE = "▁" + "".join(map(chr, [*range(9, 14), *range(28, 33), 0x85, 0xA0, 0x2028, 0x2029, 0x3000]))
COMPONENTS = ("normalizer", "pre_tokenizer", "decoder")


def test_agrees_with_tokenizer_json(tokenizer_json: Path, tokenizer: Any, subject: Subject) -> None:
    """The loaded tokenizer gives the ids and the text that tokenizer.json alone gives.

    Why: a tokenizer class may put its own pre-tokenizer or normalizer over the one in the file; every other
        consumer of the file then sees other ids, and so did the model in training.
    Fix: Set tokenizer_class in tokenizer_config.json to PreTrainedTokenizerFast, or to the class that the file was
        saved with.
    Source: https://github.com/huggingface/transformers/issues/45488;
        https://github.com/huggingface/transformers/issues/48206;
        https://github.com/huggingface/transformers/pull/47700
    """
    raw = tokenizer_of_the_file(tokenizer_json, tokenizer)
    in_file = added(raw)
    known = [token for token in special_tokens(tokenizer) if token in in_file]
    fixed = [*NASTY.values(), *(f"ab{token}cd" for token in known[:12])]
    found = [finding for text in fixed if (finding := difference(tokenizer, raw, text))]

    @given(text=texts(min_size=1))
    def any_text(text: str) -> None:
        worst([difference(tokenizer, raw, text)], Defect)

    worst(found, Defect)
    any_text()
    worst(found, Hazard)


def added(raw: Any) -> set[str]:
    """The added tokens of the file; a class or tokenizer_config.json may declare more of them."""
    return {token.content for token in raw.get_added_tokens_decoder().values()}


def worst(found: Sequence[Finding | None], severity: type[Finding]) -> None:
    """Raises the first finding of this severity: a difference at the edge must not hide one inside a text."""
    __tracebackhide__ = True
    for finding in found:
        if isinstance(finding, severity):
            raise finding


def tokenizer_of_the_file(file: Path, tokenizer: Any) -> Any:
    from tokenizers import Tokenizer

    if not getattr(tokenizer, "backend_tokenizer", None):
        raise Unsupported(f"{type(tokenizer).__name__} does not read tokenizer.json")
    raw = Tokenizer.from_file(str(file))
    raw.no_padding()
    raw.no_truncation()
    return raw


def difference(tokenizer: Any, raw: Any, text: str) -> Finding | None:
    """What is to be said when the ids of a text differ from those of the file; only at its edges is a hazard."""
    ours, theirs = encode(tokenizer, text), raw.encode(text, add_special_tokens=False).ids
    if ours == theirs:
        return None
    where = first_difference(ours, theirs)
    at_edge = _ids_agree(tokenizer, raw, text.strip(WHITE))
    what = "text with outer white space" if at_edge else "text"
    return (Hazard if at_edge else Defect)(
        f"The loaded {type(tokenizer).__name__} gives {what} other ids than tokenizer.json: "
        f"{replaced(tokenizer, raw)}.",
        evidence={"text": escaped(text, limit=200), "first difference": where,
                  "expected ids": theirs[:40], "actual ids": ours[:40],
                  "expected tokens": tokens(tokenizer, theirs[where : where + 5]),
                  "actual tokens": tokens(tokenizer, ours[where : where + 5]),
                  "components": components(tokenizer, raw)},
    )  # fmt: skip


def _ids_agree(tokenizer: Any, raw: Any, text: str) -> bool:
    return bool(encode(tokenizer, text) == raw.encode(text, add_special_tokens=False).ids)


def components(tokenizer: Any, raw: Any) -> dict[str, dict[str, Any]]:
    """The components that the class replaced: of the file, and as loaded."""
    loaded = tokenizer.backend_tokenizer
    pairs = {name: (state(getattr(raw, name)), state(getattr(loaded, name))) for name in COMPONENTS}
    return {name: {"file": file, "loaded": now} for name, (file, now) in pairs.items() if file != now}


def replaced(tokenizer: Any, raw: Any) -> str:
    """A clause that names what was replaced by what."""
    changed = [name for name in components(tokenizer, raw) if name != "decoder"]
    clauses = [clause(name, getattr(tokenizer.backend_tokenizer, name), getattr(raw, name)) for name in changed]
    return "; ".join(clauses) or "its vocabulary, merges or added tokens differ"


def clause(name: str, loaded: Any, file: Any) -> str:
    """Other parts, or the same with other settings."""
    now, then = named(loaded), named(file)
    if now != then:
        return f"it has {now} as {name}, the file {then}"
    ours, theirs = settings(state(loaded)), settings(state(file))
    differing = [key for key in ours if ours[key] != theirs.get(key)]
    other = [f"{key} {str(ours[key])[:40]} instead of {str(theirs.get(key))[:40]}" for key in differing]
    return f"its {name} ({now}) has {', '.join(other) or 'another order'}"


def settings(node: Any, prefix: str = "") -> dict[str, Any]:
    """The leaves of a component's settings, by path."""
    if not isinstance(node, (dict, list)):
        return {prefix: node}
    items = node.items() if isinstance(node, dict) else enumerate(node)
    inner = (settings(value, f"{prefix}.{key}" if prefix else str(key)) for key, value in items)
    return {path: leaf for leaves in inner for path, leaf in leaves.items()}


def named(component: Any) -> str:
    return " + ".join(sorted(kinds(component) - {"Sequence"})) or "nothing"
