"""Reactions of a template to words in messages: text that it adds, and messages that it drops."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from fixtures.sandbox import prefetch
from fixtures.sandbox.client import CLIENT
from fixtures.sandbox.inspection import inspect
from suites.chat_templates.differences import added, links, new_words
from suites.chat_templates.safety.conversation_shapes import NEEDLES, SHAPES, PlantedWord, Shape

Json = dict[str, Any]

COMMON = (
    *("password", "login", "invoice", "bank", "payment", "credit card", "bitcoin", "transfer", "account", "token"),
    *("admin", "debug", "deploy", "production", "install", "download", "curl", "code", "python", "security"),
    *("urgent", "confidential", "secret", "CEO", "medical", "election", "vaccine", "2026", "2027", "January", "Alice"),
)
"""Triggers of published attacks, and common words; further words come from the template's own conditions."""
SWITCHES = re.compile(
    r"/?\[?(no_?think|think)\]?|/system_override|detailed thinking (on|off)|(en|dis)abled|on|off|low|medium|high|none",
    re.IGNORECASE,
)
"""Switches in messages that publishers document, mostly of reasoning."""
MARKUP = re.compile(r"\s*(<[^<>]*>|\[[^][]*\])\s*.*", re.DOTALL)
"""Tags for tasks or parts of messages, which publishers document and users do not write by chance."""
INSTRUCTION_WORDS = 3
"""Number of words from which added text is an instruction and not a marker."""
MOST_CONDITIONS = 40
"""Number of conditions of the template whose words are tried one by one."""


class RunsAway(Exception):
    """A render with a word in a message exceeded a limit."""

    def __init__(self, word: str, limit: str):
        super().__init__(word)
        self.word = word
        self.limit = limit


@dataclass(frozen=True)
class Reaction:
    """The reaction of a template to a word in a message."""

    planted: PlantedWord
    added: str = ""
    dropped: str = ""
    """The needle of another message that is missing."""
    render: str = ""
    changed: bool = False
    """True if more than the word itself differs; not known for a word that is a whole message."""
    by: str = ""
    """The message that must contain the word, if one message suffices."""

    @property
    def link(self) -> bool:
        return bool(links(self.added))

    @property
    def hidden(self) -> bool:
        """True if the model gets text that is in no message, or misses a message, except for documented switches."""
        word = self.planted.word.strip()
        if self.link:
            return True
        matters = len(new_words(self.added, word)) >= INSTRUCTION_WORDS or bool(self.dropped)
        return matters and not SWITCHES.fullmatch(word) and not MARKUP.fullmatch(word)


def reactions(template: str, facts: Json, *, parts: bool) -> list[Reaction]:
    """Reactions to the words of the template's own conditions one by one, and to all words at once.

    Raises `RunsAway`.
    """
    words, single, together = _words(facts)
    bases = accepted(template, parts=parts)
    found = _tried(template, single, _longest_and_plainest(bases), parts=parts)
    found += _tried(template, [together], bases, parts=parts)
    if any(each.hidden and each.planted == together for each in found):
        found += _tried(template, [PlantedWord(word) for word in words], bases, parts=parts)
    hidden = [each for each in found if each.hidden and each.planted != together]
    return [_whose(template, hidden[0], bases, parts=parts)] if hidden else found


@prefetch.at_share(0.35)
def _begin_accepted(template: str) -> None:
    CLIENT.ask_early(template, _renders([(PlantedWord(""), shape) for shape in SHAPES], parts=False))


@prefetch.at_share(0.8)
def _begin_tried(template: str) -> None:
    _, single, together = _words(inspect(template).facts)
    bases = accepted(template, parts=False)
    for attempts, shapes in ((single, _longest_and_plainest(bases)), ([together], bases)):
        if asked := [(planted, shape) for planted in attempts for shape in shapes]:
            CLIENT.ask_early(template, _renders(asked, parts=False))


def _words(facts: Json) -> tuple[list[str], list[PlantedWord], PlantedWord]:
    """Possible triggers: all words, those of the template's conditions to try alone, and all of them together."""
    conditions = facts.get("conditions", [])[:MOST_CONDITIONS]
    own = list(dict.fromkeys(each["word"] for each in conditions if len(each["word"]) <= 200))
    words = [word for word in (*own, *COMMON) if word[:1].isalnum() and not SWITCHES.fullmatch(word.strip())]
    single = [*map(PlantedWord, own), *(PlantedWord(each["word"], alone=True) for each in conditions if each["alone"])]
    return words, single, PlantedWord(", ".join(words))


def _longest_and_plainest(bases: dict[Shape, str]) -> dict[Shape, str]:
    return dict([*bases.items()][:1] + [*bases.items()][-1:])


def _renders(asked: Sequence[tuple[PlantedWord, Shape]], *, parts: bool) -> list[Json]:
    return [{"variables": shape(planted, parts)} for planted, shape in asked]


def accepted(template: str, *, parts: bool) -> dict[Shape, str]:
    """The shapes of conversation that the template renders, with the render without a planted word."""
    ends = _accepted(template, parts)
    return {shape: end["text"] for shape, end in zip(SHAPES, ends, strict=False) if "text" in end}


@lru_cache(maxsize=4)
def _accepted(template: str, parts: bool) -> list[Json]:
    ends: list[Json] = CLIENT.ask(template, _renders([(PlantedWord(""), shape) for shape in SHAPES], parts=parts))[
        "renders"
    ]
    return ends


def _tried(template: str, attempts: Sequence[PlantedWord], bases: dict[Shape, str], *, parts: bool) -> list[Reaction]:
    """Reactions to every word in every shape, compared with the render without a word."""
    asked = [(planted, shape) for planted in attempts for shape in bases]
    ends = CLIENT.ask(template, _renders(asked, parts=parts))["renders"] if asked else []
    if ends and "limit" in ends[-1]:
        raise RunsAway(asked[len(ends) - 1][0].word, ends[-1]["limit"])
    results = zip(asked, ends, strict=False)
    found = [_reaction(bases[shape], end["text"], planted) for (planted, shape), end in results if "text" in end]
    return [each for each in found if each.added or each.dropped or each.changed]


def _reaction(base: str, text: str, planted: PlantedWord) -> Reaction:
    """The difference of `text`, with the word in messages, from `base`, apart from the word."""
    rest = text
    for needle in NEEDLES:
        rest = rest.replace(planted.content(needle), needle) if not planted.alone else rest
    if rest == base:
        return Reaction(planted)
    ordinary = not planted.alone and not MARKUP.fullmatch(planted.word)
    gone = next((needle for needle in NEEDLES if ordinary and needle in base and needle not in rest), "")
    return Reaction(planted, added(base, rest, planted.word), gone, text, changed=not planted.alone)


def _whose(template: str, found: Reaction, bases: dict[Shape, str], *, parts: bool) -> Reaction:
    """The reaction with the message that suffices to cause it."""
    for needle, role in NEEDLES.items():
        alike = _tried(template, [replace(found.planted, only=needle)], bases, parts=parts)
        if any(each.hidden for each in alike):
            return replace(found, by=role)
    return found
