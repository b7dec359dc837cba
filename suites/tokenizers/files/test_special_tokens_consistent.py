from __future__ import annotations

from typing import Any

from fixtures.checkpoint.architectures import WRITES_TEXT
from fixtures.subjects.subject import Subject
from suites.evidence import tokens
from suites.findings import Defect, Finding, Hazard, Record
from suites.tokenizers.files.declared_tokens import config_ids, ids_by_file, named_tokens
from suites.tokenizers.files.tokenizer_json import read_tokenizer_json

LEGACY = "special_tokens_map.json"
SETTINGS = "tokenizer_config.json"
CONFIGS = ("generation_config.json", "config.json")


def test_special_tokens_consistent(subject: Subject, tokenizer: Any, record: Record) -> None:
    """Special tokens have the same name and the same id in every file that speaks of them.

    Why: model, generation and tokenizer each read another file; a padding or end token that is one id here and
        another there is fed to the model as a word, or read from a row that does not exist.
    Fix: Give the token one id in tokenizer.json, and write that id into added_tokens_decoder, added_tokens.json,
        config.json and generation_config.json.
    Source: https://github.com/huggingface/transformers/issues/17431;
        https://github.com/baichuan-inc/Baichuan2/issues/210;
        https://github.com/InternLM/InternLM/issues/431
    """
    vocabulary, stated = tokenizer.get_vocab(), ids_by_file(subject)
    one_id_each(stated, vocabulary)
    names_in_vocabulary(subject, tokenizer, stated)
    names_as_loaded(subject, tokenizer)
    ids_in_vocabulary(subject, vocabulary, Defect if writes(subject) else Hazard)
    record.capability("tokenizer.config_ids_that_differ", other_ids(subject, tokenizer))
    one_name_each(subject)
    padding_agrees(subject, tokenizer)


def one_id_each(stated: dict[str, dict[str, int]], vocabulary: dict[str, int]) -> None:
    """The ids that the files state, and the one that the loaded tokenizer uses."""
    __tracebackhide__ = True
    for token, ids in stated.items():
        if len({*ids.values(), vocabulary.get(token, next(iter(ids.values())))}) > 1:
            where = ", ".join(f"{number} in {file}" for file, number in ids.items())
            raise Defect(
                f"The token {token} has more than one id: {where}, and {vocabulary.get(token)} when loaded.",
                evidence={"token": token, "ids": ids, "loaded id": vocabulary.get(token)},
            )


def names_in_vocabulary(subject: Subject, tokenizer: Any, stated: dict[str, dict[str, int]]) -> None:
    """A token that only a name speaks of is appended by the library, with an id that the model never saw."""
    __tracebackhide__ = True
    if not subject.has("tokenizer.json") or not getattr(tokenizer, "backend_tokenizer", None):
        return  # a class adds tokens of its own to a vocabulary file
    file = read_tokenizer_json(subject.path / "tokenizer.json").tokenizer
    for source in (SETTINGS, LEGACY):
        for name, token in named_tokens(subject, source).items():
            number = tokenizer.convert_tokens_to_ids(token)
            if token in stated or file.token_to_id(token) is not None or number is None:
                continue
            rows = subject.traits.vocabulary_size
            has_row = rows is not None and number < rows
            fate = "a row that was never trained for it" if has_row else "beyond the model's vocabulary"
            raise (Hazard if has_row else Defect)(
                f"{source} names {token} as {name}_token, and no file has it in a vocabulary: the library adds it "
                f"as id {number}, {fate}.",
                evidence={"token": token, "name": f"{name}_token", "id": number, "embedding rows": rows},
                remedy=f"Name a token as {name}_token that the vocabulary has, or add this one to tokenizer.json and "
                "enlarge the model's embeddings.",
            )


def names_as_loaded(subject: Subject, tokenizer: Any) -> None:
    __tracebackhide__ = True
    legacy = named_tokens(subject, LEGACY)
    for name, token in named_tokens(subject, SETTINGS).items():
        loaded = str(getattr(tokenizer, f"{name}_token", None) or token)
        if loaded != token:
            because = f", from {LEGACY}" if legacy.get(name) == loaded else ""
            raise (Hazard if because else Defect)(
                f"{SETTINGS} names {token} as {name}_token, and the loaded {type(tokenizer).__name__} has "
                f"{loaded}{because}.",
                evidence={"declared": token, "loaded": loaded, LEGACY: legacy},
                remedy=f"Write the same {name}_token into both files, or delete {LEGACY}." if because else None,
            )


def writes(subject: Subject) -> bool:
    """Whether the model writes text; an encoder's config may carry ids that nothing reads (SigLIP's bos)."""
    return subject.has("generation_config.json") or bool(WRITES_TEXT & set(subject.traits.tasks))


def ids_in_vocabulary(subject: Subject, vocabulary: dict[str, int], severity: type[Finding]) -> None:
    """An id of a config that is no token can be neither written nor read."""
    __tracebackhide__ = True
    known = set(vocabulary.values())
    for file in CONFIGS:
        for name, numbers in config_ids(subject, file).items():
            if missing := [number for number in numbers if number not in known]:
                raise severity(
                    f"{file} has {missing[0]} as {name}, and the tokenizer has no token with this id.",
                    evidence={"file": file, name: numbers, "tokens": len(vocabulary), "largest id": max(known)},
                    remedy=f"Correct {name} in {file}, or load the tokenizer that belongs to this model.",
                )


def other_ids(subject: Subject, tokenizer: Any) -> str:
    """Ids of configs that the tokenizer has under another name or none, as when a base model became a chat model."""
    found = []
    for file in CONFIGS:
        for name, numbers in config_ids(subject, file).items():
            own = getattr(tokenizer, name, None)
            if name != "decoder_start_token_id" and own not in numbers:
                found.append(
                    f"{name.removesuffix('_token_id')} {', '.join(map(str, tokens(tokenizer, numbers)))} ({file})"
                )
    return "; ".join(found) or "none"


def one_name_each(subject: Subject) -> None:
    """transformers reads the older file only where the newer lists no added tokens; other programs read either."""
    __tracebackhide__ = True
    older, newer = named_tokens(subject, LEGACY), named_tokens(subject, SETTINGS)
    for name in older.keys() & newer.keys():
        if older[name] != newer[name]:
            raise Hazard(
                f"{name}_token is {newer[name]} in {SETTINGS} and {older[name]} in {LEGACY}: which one counts depends "
                "on the program and its version.",
                evidence={SETTINGS: newer, LEGACY: older},
                remedy=f"Write the same {name}_token into both files, or delete {LEGACY}.",
            )


def padding_agrees(subject: Subject, tokenizer: Any) -> None:
    """Models that look for padding by its id (positions, the last token of a classifier) look in config.json."""
    __tracebackhide__ = True
    stated, own = config_ids(subject, "config.json").get("pad_token_id"), tokenizer.pad_token_id
    if not stated or own is None or own in stated or subject.traits.can_generate:
        return  # generate() is told the padding by the attention mask
    raise Hazard(
        f"The tokenizer pads with {tokenizer.pad_token} (id {own}), and config.json has {stated[0]} as pad_token_id.",
        evidence={"tokenizer": own, "config.json": stated[0], "tokens": tokens(tokenizer, [own, *stated])},
        remedy="Write the tokenizer's padding id into config.json: positions and classifiers go by it.",
    )
