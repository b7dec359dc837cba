"""Decides whether a text model knows any language: from ordinary text, conversations, or its own canaries."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from fixtures.inputs import corpora, tokenizer_corpus
from fixtures.inputs.canaries import Canary
from fixtures.inputs.corpora.corpus import Corpus
from fixtures.models.loading import Loaded
from fixtures.pipelines.pipe import Pipe, open_pipe
from fixtures.subjects.subject import Subject
from fixtures.templates.chat import Chat, TemplateFails
from suites.findings import Blocked, NotApplicable
from suites.running import generate
from suites.running.limits import vocabulary
from suites.scoring import dequantized, passages, rolling

CHECK = "quality/knows-language"
MIN_ERRORS = 4.0
"""Standard errors of the gain from order above which it is no chance: 1 in 30,000, for some twenty kinds of text."""
MIN_GAIN = 0.1
"""Nats per token that the order of the text must be worth; models of 10 M parameters have 1 to 2, SmolLM2 has 5."""
TRIED = 5
"""Kinds of text, the most promising first, of which the shuffled text is scored too."""
LONGER = 3
"""Kinds of text of which more is read if the little that the profile has leaves it open."""
MIN_TOKENS = 8
"""Tokens that occur once in their text, below which the repeated ones count too: bytes and letters repeat always."""
MOST_UNKNOWN = 0.1
"""Share of unknown tokens up to which a text is text to the tokenizer."""
TEXT_TOKENS, MOST_TOKENS = 300, 900
"""Tokens that are shuffled of a text, and of a kind of text."""
SECTIONS = {
    "russian": ("cyrillic",),
    "chinese": ("chinese-simplified", "chinese-traditional"),
    "code": ("python", "c", "rust", "javascript", "sql", "go", "java"),
    **{name: (name,) for name in ("english", "german", "japanese", "arabic", "hindi", "korean", "greek", "turkish")},
}
"""Kinds of text to further lines of them in the corpus of the tokenizers."""

ANSWER_KEYS = ("generated_text", "translation_text", "summary_text", "token_str")
CONVERSATIONS = {
    "Hello!": "Hello! How can I help you today?",
    "What is the capital of France?": "The capital of France is Paris.",
    "What is the capital of Italy?": "The capital of Italy is Rome.",
    "What is 2 + 2?": "The answer is 4.",
    "Thank you very much.": "You are welcome.",
    "Are you a robot?": "Yes, I am a language model.",
    "Name one primary colour.": "Red is a primary colour.",
    "Count to five.": "one, two, three, four, five",
    "Tell me a story.": "The ship came in. Two men stood on the quay and waited for the rope. The end.",
    "你好！": "你好！今天我能为您做些什么？",
    "Wie heißt die Hauptstadt von Frankreich?": "Die Hauptstadt von Frankreich ist Paris.",
    "¿Cuál es la capital de Francia?": "La capital de Francia es París.",
}

Ids = Sequence[int]
Score = Callable[[Sequence[Ids]], list[Any]]
"""Returns the log-probabilities of the last tokens of each text, at most one fewer than it has."""


@dataclass(frozen=True)
class Kind:
    """The losses of one kind of text (a domain or a language) in nats per token, and of the same tokens shuffled."""

    name: str
    losses: Sequence[float]
    """Of every token."""
    gains: Sequence[float] = ()
    """By how much the loss of a token is higher in shuffled text; empty if that was not scored."""

    @property
    def loss(self) -> float:
        return _mean(self.losses)

    @property
    def gain(self) -> float:
        """Nats per token by which the order of the text lowers the loss; NaN if that was not measured."""
        return _mean(self.gains)

    @property
    def error(self) -> float:
        """Standard error of the gain."""
        freedom = len(self.gains) - 1
        if freedom < 1:
            return math.inf
        return math.sqrt(_mean([(each - self.gain) ** 2 for each in self.gains]) / freedom)

    def promise(self, chance: float) -> float:
        """How far the loss is below that of a uniform guess, as a number that grows with the number of tokens."""
        return (chance - self.loss) * math.sqrt(len(self.losses))

    def known(self, chance: float) -> bool:
        """True if text of this kind is predicted better than by a uniform guess and than by tokens' frequencies."""
        ordered = self.gain > MIN_GAIN and self.gain > MIN_ERRORS * self.error
        return bool(self.gains) and self.loss < chance and ordered

    def may_be_known(self, chance: float) -> bool:
        """True if more text could show that it is known."""
        return self.loss < chance and self.gain > self.error

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"loss": round(self.loss, 2), "tokens": len(self.losses)}
        if self.gains:
            found |= {"gain from order": round(self.gain, 2), "standard error": round(self.error, 2)}
        return found


@dataclass(frozen=True)
class Knowledge:
    """What was found about the language of a model."""

    chance: float
    """Loss of a uniform guess over the vocabulary, in nats per token."""
    kinds: tuple[Kind, ...]
    known: str = ""
    """The kind of text that the model knows; empty if it knows none of those tried."""
    canaries: tuple[int, int] | None = None
    """Canaries answered correctly, and all; None if they were not asked."""

    @property
    def best(self) -> Kind:
        """The known kind, else the one with the lowest loss."""
        named = [kind for kind in self.kinds if kind.name == self.known]
        return named[0] if named else min(self.kinds, key=lambda kind: kind.loss)

    @property
    def better_than_guess(self) -> Kind | None:
        """The kind of text with a loss below that of a uniform guess whose order helps most; None if there is none."""
        tried = [kind for kind in self.kinds if kind.gains and kind.loss < self.chance]
        return max(tried, key=lambda kind: kind.gain / max(kind.error, 1e-9), default=None)

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"uniform guess": round(self.chance, 2)}
        found |= {kind.name: kind.as_json() for kind in self.kinds if kind.losses}
        if self.canaries:
            found["canaries"] = "{} of {} right".format(*self.canaries)
        return found


def require_trained(subject: Subject) -> None:
    """Raises NotApplicable for a subject that is declared untrained, of which no knowledge is expected."""
    __tracebackhide__ = True
    if subject.untrained:
        raise NotApplicable(f"{subject.untrained}, so nothing is expected of its predictions")


def of_causal(subject: Subject, tokenizer: Any, loaded: Loaded, corpus: Corpus) -> Knowledge:
    """Returns what a causal model knows, computed once for a variant.

    The losses in order are those of `passages.logprobs`. Shuffled text is scored only of the kinds that decide, more
    text only if that leaves it open: a healthy model costs one further pass over a hundred tokens or two.
    """
    return loaded.once(f"language {corpus.version}", lambda: _of_causal(subject, tokenizer, loaded, corpus))


def _of_causal(subject: Subject, tokenizer: Any, loaded: Loaded, corpus: Corpus) -> Knowledge:
    scored = passages.logprobs(loaded, tokenizer, corpus)
    if any(not math.isfinite(value) for _, values in scored for value in values):
        raise Blocked("quality/predicts-text", "the probability of an ordinary token is not a number, or zero")

    def score(texts: Sequence[Ids]) -> list[Any]:
        with dequantized.active(loaded), generate.refusals("A forward pass"):
            prefix, window = passages.prefix(loaded.model, tokenizer), passages.window(loaded.model)
            return rolling(loaded.model, texts, prefix=prefix, window=window)

    texts: dict[str, list[tuple[Ids, Any]]] = {}
    for passage, values in scored:
        if passage.ids.count(tokenizer.unk_token_id) > MOST_UNKNOWN * len(passage.ids):
            continue
        language = "english" if passage.text.language == "en" and passage.text.domain != "code" else ""
        for name in filter(None, (passage.text.domain, language)):
            texts.setdefault(name, []).append((passage.ids, values))
    if not texts:
        raise NotApplicable("the tokenizer has no tokens for ordinary text in any language of the corpus")
    chance = chance_loss(loaded.model, tokenizer)
    kinds = {name: Kind(name, tuple(_losses(each))) for name, each in texts.items()}
    found = _decide(kinds, texts, score, chance, lambda name: _more(loaded.model, tokenizer, name))
    if not found.known and subject.traits.has_chat_template:
        found = _with_conversations(found, tokenizer, loaded.model, score)
    return found if found.known else with_canaries(found, subject, loaded)


def _with_conversations(found: Knowledge, tokenizer: Any, model: Any, score: Score) -> Knowledge:
    """Adds conversations in the model's own format: a chat model may have been trained on nothing else."""
    chat, rows = Chat(tokenizer), list[Ids]()
    for question, answer in CONVERSATIONS.items():
        messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        try:
            ids = chat.encode(chat.render(messages))
        except TemplateFails:
            continue
        if len(ids) > MIN_TOKENS and max(ids) < vocabulary(model):
            rows.append(ids)
    if not rows:
        return found
    pairs = list(zip(rows, score(rows), strict=True))
    kind = Kind("conversations", tuple(_losses(pairs)))
    kind = with_shuffled(kind, pairs, score, skipped={*tokenizer.added_tokens_decoder})
    known = kind.name if kind.known(found.chance) else ""
    return replace(found, kinds=(*found.kinds, kind), known=known)


def with_canaries(found: Knowledge, subject: Subject, loaded: Loaded) -> Knowledge:
    """Asks the canaries that the subject declares: a model for a narrow purpose may know nothing else.

    It knows them if it answers half of them with the expected words.
    """
    for task in subject.traits.tasks:
        asked = [canary for canary in subject.canaries(task) if canary.declared]
        if not asked:
            continue
        right = sum(_answers(open_pipe(task, subject, loaded), canary) for canary in asked)
        return replace(found, canaries=(right, len(asked)), known="canaries" if 2 * right >= len(asked) else "")
    return found


def _answers(pipe: Pipe, canary: Canary) -> bool:
    """True if the first text of the pipeline's answer has the expected words."""
    given = dict(canary.input) if isinstance(canary.input, dict) else {"text": canary.input}
    try:
        output = pipe(given.pop("text", canary.input), **given)
    except Exception as error:  # of the library; reported by pipelines/canaries
        if generate.machine_failed(error):
            raise
        return False
    while isinstance(output, list) and output:
        output = output[0]
    texts = [value for key, value in output.items() if key in ANSWER_KEYS] if isinstance(output, dict) else [output]
    return any(canary.answer.strip().lower() in str(text).lower() for text in texts)


def chance_loss(model: Any, tokenizer: Any) -> float:
    """Returns the loss of a uniform guess over the tokens that there are both ids and embeddings for."""
    return math.log(max(2, min(len(tokenizer), vocabulary(model))))


def _decide(
    kinds: dict[str, Kind],
    texts: dict[str, list[tuple[Ids, Any]]],
    score: Score,
    chance: float,
    more: Callable[[str], list[Ids]],
) -> Knowledge:
    """Tries kinds of text, the most promising first, until one is known."""
    order = sorted(kinds, key=lambda name: -kinds[name].promise(chance))
    for name in order[:TRIED]:
        kinds[name] = with_shuffled(kinds[name], texts[name], score)
        if kinds[name].known(chance):
            return Knowledge(chance, tuple(kinds.values()), name)
    for name in [each for each in order[:TRIED] if kinds[each].may_be_known(chance)][:LONGER]:
        if added := more(name):
            pairs = list(zip(added, score(added), strict=True))
            longer = f"more {name}"
            kinds[longer] = with_shuffled(Kind(longer, tuple(_losses(pairs))), pairs, score)
            if kinds[longer].known(chance):
                return Knowledge(chance, tuple(kinds.values()), longer)
    return Knowledge(chance, tuple(kinds.values()))


def with_shuffled(kind: Kind, texts: Sequence[tuple[Ids, Any]], score: Score, skipped: Collection[int] = ()) -> Kind:
    """Adds by how much the losses are higher in shuffled text.

    Args:
        skipped: ids that do not count.
    """
    texts = _beginnings(texts)
    orders = [shuffled(len(ids)) for ids, _ in texts]
    values = score([[ids[index] for index in order] for (ids, _), order in zip(texts, orders, strict=True)])
    gains: list[float] = []
    for (ids, inside), order, outside in zip(texts, orders, values, strict=True):
        place, missing = {old: new for new, old in enumerate(order)}, len(ids) - len(outside)
        at = [index for index in counted(ids) if ids[index] not in skipped]
        gains += [float(inside[index - missing] - outside[place[index] - missing]) for index in at]
    return Kind(kind.name, kind.losses, tuple(gains))


def _beginnings(texts: Sequence[tuple[Ids, Any]]) -> list[tuple[Ids, Any]]:
    """The first tokens of each text with their log-probabilities, `MOST_TOKENS` in all."""
    left, found = MOST_TOKENS, []
    for ids, values in texts:
        count = min(len(ids), TEXT_TOKENS, left)
        if count > MIN_TOKENS:
            found.append((ids[:count], values[: count - (len(ids) - len(values))]))
            left -= count
    return found


def _losses(texts: Sequence[tuple[Ids, Any]]) -> Iterator[float]:
    for _, values in texts:
        yield from (-float(value) for value in values)


def counted(ids: Ids) -> list[int]:
    """Returns the positions of tokens that occur once; repeated ones could be copied from elsewhere in the text.

    Where few occur once, as in text of bytes, all count that differ from the one before.
    """
    counts = Counter(ids)
    once = [index for index, token in enumerate(ids) if index and counts[token] == 1]
    if len(once) >= MIN_TOKENS:
        return once
    return [index for index in range(1, len(ids)) if ids[index] != ids[index - 1]]


def shuffled(length: int) -> list[int]:
    """Returns a random order of positions that leaves the first one in place, the same for every model."""
    rest = list(range(1, length))
    random.Random(length).shuffle(rest)
    return [0, *rest]


def _more(model: Any, tokenizer: Any, kind: str) -> list[Ids]:
    """Returns further text of a kind as ids: our own passages whole, and lines of the corpus of the tokenizers."""
    own = [text.text for text in corpora.own() if kind in (text.domain, "english" if text.language == "en" else "")]
    sections = tokenizer_corpus.sections()
    lines = [line for name in SECTIONS.get(kind, ()) for line in sections.get(name, ())]
    rows, found, total = vocabulary(model), list[Ids](), 0
    for text in (*own, *lines):
        ids = list(tokenizer(text, add_special_tokens=False)["input_ids"])[:TEXT_TOKENS]
        if len(ids) > MIN_TOKENS and max(ids) < rows and total < MOST_TOKENS:
            found.append(ids)
            total += len(ids)
    return found


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else math.nan
