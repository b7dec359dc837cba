"""Verifiable rules of instructions; a rule is a name and its arguments, separated by spaces."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from fixtures.inputs.questions import SCRIPTS
from suites.running import answer_signs

COMMON = {
    "german": {"der", "die", "das", "und", "ist", "ein", "eine", "nicht", "mit", "im", "hund", "katze"},
    "french": {"le", "la", "les", "et", "est", "un", "une", "des", "dans", "de", "sur"},
    "spanish": {"el", "la", "los", "y", "es", "un", "una", "en", "de", "que", "del"},
    "italian": {"il", "la", "i", "e", "è", "un", "una", "di", "che", "nel", "del", "sul"},
}
"""Words of which nearly every sentence in the language has one."""
ITEM = re.compile(r"^\s*[-*•] +\S")
NUMBERED = re.compile(r"^\s*\d+[.)] +\S")


def violated(answer: str, rules: tuple[str, ...]) -> list[str]:
    """Returns the rules that an answer does not follow.

    Raises:
        ValueError: there is no such rule.
    """
    return [rule for rule in rules if not follows(answer.strip(), rule)]


def follows(answer: str, rule: str) -> bool:
    name, _, argument = rule.partition(" ")
    if name not in RULES:
        raise ValueError(f"there is no rule '{name}'; the rules are {', '.join(RULES)}")
    return RULES[name](answer, argument)


def _between(count: int, argument: str) -> bool:
    low, high = map(int, argument.split())
    return low <= count <= high


def _lines(answer: str, pattern: re.Pattern[str] = re.compile(r"\S")) -> int:
    return sum(bool(pattern.search(line)) for line in answer.splitlines())


def _sentences(answer: str) -> int:
    return len([part for part in re.split(r"[.!?。！？]+(?:[\"'”’)]*)(?:\s|$)", answer) if re.search(r"\w", part)])


def _json(answer: str) -> object:
    text = re.sub(r"^```\w*\s*|\s*```$", "", answer)
    try:
        return json.loads(text)
    except ValueError:
        return None


def _has_keys(answer: str, keys: str) -> bool:
    found = _json(answer)
    return isinstance(found, dict) and set(keys.split()) <= set(found)


def _numbers(answer: str, count: str) -> bool:
    found = _json(answer)
    return (
        isinstance(found, list) and len(found) == int(count) and all(isinstance(each, (int, float)) for each in found)
    )


def _language(answer: str, language: str) -> bool:
    if language in SCRIPTS:
        return bool(re.search(r"\w", answer)) and not answer_signs.wrong_script(answer, SCRIPTS[language])
    return bool(COMMON[language] & set(re.findall(r"\w+", answer.lower())))


def _exactly(answer: str, text: str) -> bool:
    return answer.strip('"“”').rstrip(".").casefold() == text.rstrip(".").casefold()


RULES: dict[str, Callable[[str, str], bool]] = {
    "words": lambda answer, argument: _between(len(re.findall(r"\w[\w'’-]*", answer)), argument),
    "sentences": lambda answer, argument: _between(_sentences(answer), argument),
    "lines": lambda answer, argument: _between(_lines(answer), argument),
    "bullets": lambda answer, argument: _between(_lines(answer, ITEM), argument),
    "numbered": lambda answer, argument: _between(_lines(answer, NUMBERED), argument),
    "contains": lambda answer, argument: argument.casefold() in answer.casefold(),
    "without": lambda answer, argument: bool(answer) and argument.casefold() not in answer.casefold(),
    "starts": lambda answer, argument: answer.startswith(argument),
    "ends": lambda answer, argument: answer.endswith(argument),
    "times": lambda answer, argument: (
        len(re.findall(rf"\b{argument.split()[0]}\b", answer, re.I)) == int(argument.split()[1])
    ),
    "upper": lambda answer, argument: answer.isupper(),
    "lower": lambda answer, argument: answer.islower(),
    "exactly": _exactly,
    "json": _has_keys,
    "jsonlist": _numbers,
    "language": _language,
}
"""Implementation of each rule, for an answer without surrounding white space."""
