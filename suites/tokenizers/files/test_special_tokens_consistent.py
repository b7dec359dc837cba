from __future__ import annotations

from typing import Any

from fixtures.checkpoint.architectures import WRITES_TEXT
from fixtures.session.uses import uses
from fixtures.subjects.subject import Subject
from suites.evidence import tokens
from suites.findings import Defect, Finding, Hazard, Record
from suites.tokenizers.files.declared_tokens import config_ids, ids_by_file, named_tokens
from suites.tokenizers.files.tokenizer_json import read_tokenizer_json

LEGACY = "special_tokens_map.json"
SETTINGS = "tokenizer_config.json"
CONFIGS = ("generation_config.json", "config.json")


@uses("text")
def test_special_tokens_consistent(subject: Subject, tokenizer: Any, record: Record) -> None:
    """Special tokens have the same name and id in all files that mention them.

    Why: model, generation and tokenizer read different files; with different ids, a padding or end token is taken for
        a word, or looked up in an embedding row that does not exist.
    Fix: Give the token one id in tokenizer.json, and write the same id into added_tokens_decoder, added_tokens.json,
        config.json and generation_config.json.
    Source: https://github.com/huggingface/transformers/issues/17431;
        https://github.com/baichuan-inc/Baichuan2/issues/210;
        https://github.com/InternLM/InternLM/issues/431
    """
    vocabulary, declared = tokenizer.get_vocab(), ids_by_file(subject)
    check_ids(declared, vocabulary)
    check_named_tokens_exist(subject, tokenizer, declared)
    check_names_as_loaded(subject, tokenizer)
    check_config_ids_exist(subject, vocabulary, Defect if writes_text(subject) else Hazard)
    record.capability("tokenizer.config_ids_that_differ", other_ids(subject, tokenizer))
    check_names(subject)
    check_padding_id(subject, tokenizer)


def check_ids(declared: dict[str, dict[str, int]], vocabulary: dict[str, int]) -> None:
    """Raises Defect if files or the loaded tokenizer give a token different ids."""
    __tracebackhide__ = True
    for token, ids in declared.items():
        if len({*ids.values(), vocabulary.get(token, next(iter(ids.values())))}) > 1:
            by_file = ", ".join(f"{number} in {file}" for file, number in ids.items())
            raise Defect(
                f"The token {token} has more than one id: {by_file}, and {vocabulary.get(token)} as loaded.",
                evidence={"token": token, "ids": ids, "loaded id": vocabulary.get(token)},
            )


def check_named_tokens_exist(subject: Subject, tokenizer: Any, declared: dict[str, dict[str, int]]) -> None:
    """Raises a finding for a named token without an entry in the vocabulary: the library appends it with a new id."""
    __tracebackhide__ = True
    if not subject.has("tokenizer.json") or not getattr(tokenizer, "backend_tokenizer", None):
        return  # a class adds its own tokens to a vocabulary file
    file = read_tokenizer_json(subject.path / "tokenizer.json").tokenizer
    for source in (SETTINGS, LEGACY):
        for name, token in named_tokens(subject, source).items():
            number = tokenizer.convert_tokens_to_ids(token)
            if token in declared or file.token_to_id(token) is not None or number is None:
                continue
            rows = subject.traits.vocabulary_size
            has_row = rows is not None and number < rows
            fate = "an embedding row that was not trained for it" if has_row else "beyond the model's vocabulary"
            raise (Hazard if has_row else Defect)(
                f"{source} declares {token} as {name}_token, but no file has it in a vocabulary: the library adds it "
                f"as id {number}, {fate}.",
                evidence={"token": token, "name": f"{name}_token", "id": number, "embedding rows": rows},
                fix=f"Declare a token of the vocabulary as {name}_token, or add this one to tokenizer.json and "
                "enlarge the model's embeddings.",
            )


def check_names_as_loaded(subject: Subject, tokenizer: Any) -> None:
    __tracebackhide__ = True
    legacy = named_tokens(subject, LEGACY)
    for name, token in named_tokens(subject, SETTINGS).items():
        loaded = str(getattr(tokenizer, f"{name}_token", None) or token)
        if loaded != token:
            origin = f", from {LEGACY}" if legacy.get(name) == loaded else ""
            raise (Hazard if origin else Defect)(
                f"{SETTINGS} declares {token} as {name}_token, but the loaded {type(tokenizer).__name__} has "
                f"{loaded}{origin}.",
                evidence={"declared": token, "loaded": loaded, LEGACY: legacy},
                fix=f"Write the same {name}_token into both files, or delete {LEGACY}." if origin else None,
            )


def writes_text(subject: Subject) -> bool:
    """True if the model generates text; the config of an encoder may have ids that are not used (SigLIP's bos)."""
    return subject.has("generation_config.json") or bool(WRITES_TEXT & set(subject.traits.tasks))


def check_config_ids_exist(subject: Subject, vocabulary: dict[str, int], severity: type[Finding]) -> None:
    """Raises a finding for an id in a config that the tokenizer does not have."""
    __tracebackhide__ = True
    known = set(vocabulary.values())
    for file in CONFIGS:
        for name, numbers in config_ids(subject, file).items():
            if missing := [number for number in numbers if number not in known]:
                raise severity(
                    f"{file} has {missing[0]} as {name}, but the tokenizer has no token with this id.",
                    evidence={"file": file, name: numbers, "tokens": len(vocabulary), "largest id": max(known)},
                    fix=f"Correct {name} in {file}, or load the tokenizer that belongs to this model.",
                )


def other_ids(subject: Subject, tokenizer: Any) -> str:
    """Ids of configs that the tokenizer names otherwise, as after a base model became a chat model."""
    found = []
    for file in CONFIGS:
        for name, numbers in config_ids(subject, file).items():
            own = getattr(tokenizer, name, None)
            if name != "decoder_start_token_id" and own not in numbers:
                found.append(
                    f"{name.removesuffix('_token_id')} {', '.join(map(str, tokens(tokenizer, numbers)))} ({file})"
                )
    return "; ".join(found) or "none"


def check_names(subject: Subject) -> None:
    """Raises Hazard for different names in two files; libraries and versions differ in which one they read."""
    __tracebackhide__ = True
    older, newer = named_tokens(subject, LEGACY), named_tokens(subject, SETTINGS)
    for name in older.keys() & newer.keys():
        if older[name] != newer[name]:
            raise Hazard(
                f"{name}_token is {newer[name]} in {SETTINGS} but {older[name]} in {LEGACY}: programs and versions "
                "differ in which file they read.",
                evidence={SETTINGS: newer, LEGACY: older},
                fix=f"Write the same {name}_token into both files, or delete {LEGACY}.",
            )


def check_padding_id(subject: Subject, tokenizer: Any) -> None:
    """Raises Hazard if config.json has another padding id, by which positions and classifiers find padding."""
    __tracebackhide__ = True
    declared, own = config_ids(subject, "config.json").get("pad_token_id"), tokenizer.pad_token_id
    if not declared or own is None or own in declared or subject.traits.can_generate:
        return  # generate() goes by the attention mask
    raise Hazard(
        f"The tokenizer pads with {tokenizer.pad_token} (id {own}), but config.json has {declared[0]} as pad_token_id.",
        evidence={"tokenizer": own, "config.json": declared[0], "tokens": tokens(tokenizer, [own, *declared])},
        fix="Write the padding id of the tokenizer into config.json: positions and classifiers go by it.",
    )
