"""Our scorer beside lm-eval's and beside bare forward passes: tokens per CPU second, interleaved in one process.

    python -m benchmarks.scorer                          builtin:smollm2, one thread
    python -m benchmarks.scorer builtin:tiny-text-generation --rounds 10

Multiple choice: items with four answers behind one context, from our own corpus. Tokens are counted as lm-eval counts
them, context and continuation of every request, whoever computes less. Rolling: one text through windows. Every round
gives each contestant the same piece of the work, in another order; a ratio's interval is a bootstrap over the rounds.
Memory: what the process holds at most beyond the model, for one length of text and for four times that length.
"""

from __future__ import annotations

import argparse
import logging
import os
import random
import resource
import time
from collections.abc import Callable, Sequence
from typing import Any

from fixtures.inputs import tokenizer_corpus

ANSWERS = 4
WINDOW = 512
FURTHEST = 16
LINES = 4
"""Of the corpus in a context."""
Work = Callable[[Any], Any]
Requests = list[tuple[list[int], list[int]]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("subject", nargs="?", default="builtin:smollm2")
    parser.add_argument("--items", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--tokens", type=int, default=6144, help="of rolling text")
    asked = parser.parse_args()
    model, tokenizer = loaded(asked.subject)
    sentences = [tokenizer(line, add_special_tokens=False)["input_ids"] for line in tokenizer_corpus.lines().values()]
    text = [token for sentence in sentences for token in sentence][: asked.tokens]
    print(f"{asked.subject}, {model.dtype}, one thread, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    memory(model, text)
    rivals = Rivals(model, tokenizer)
    if asked.items:
        choice(rivals, items(sentences, asked.items), asked.rounds)
    roll(rivals, text, asked.rounds)


def loaded(source: str) -> tuple[Any, Any]:
    """Model in its own dtype and tokenizer, with torch held to one thread."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from fixtures import builtin

    torch.set_num_threads(1)
    path = builtin.directory(source.removeprefix("builtin:")) if source.startswith("builtin:") else source
    return AutoModelForCausalLM.from_pretrained(path).eval(), AutoTokenizer.from_pretrained(path)


def items(sentences: Sequence[list[int]], count: int) -> list[Requests]:
    """Items: some lines of the corpus and the beginning of one more; its own end and those of others as answers."""
    made = []
    for number in range(count):
        start = number * (LINES + ANSWERS) % (len(sentences) - LINES - ANSWERS)
        *given, line = sentences[start : start + LINES]
        ends = [line, *sentences[start + LINES : start + LINES + ANSWERS - 1]]
        context = [token for sentence in given for token in sentence] + line[: len(line) // 2]
        made.append([(context, end[len(end) // 2 :]) for end in ends])
    return made


class Rivals:
    """The contestants, on one model."""

    def __init__(self, model: Any, tokenizer: Any):
        from lm_eval.models.huggingface import HFLM

        logging.disable(logging.WARNING)  # it warns of every text that it cuts
        self.model = model
        self.prefix = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
        options = {"pretrained": model, "tokenizer": tokenizer, "max_length": WINDOW}
        self.single, self.batched = HFLM(**options, batch_size=1), HFLM(**options, batch_size=8)
        self.exact = HFLM(**options, batch_size=1, softmax_dtype="float64")

    def our_choice(self, requests: Requests) -> list[tuple[float, bool]]:
        from suites import scoring

        found = scoring.continuations(self.model, requests, prefix=self.prefix, window=WINDOW)
        return [(each.logprob, each.greedy) for each in found]

    def their_choice(self, requests: Requests) -> list[tuple[float, bool]]:
        return self._theirs(self.single, requests)

    def their_batches(self, requests: Requests) -> list[tuple[float, bool]]:
        return self._theirs(self.batched, requests)

    def exactly(self, requests: Requests) -> list[tuple[float, bool]]:
        """As lm-eval, with its softmax in float64: in float32 it is off by some 1e-5 a token on a large vocabulary."""
        return self._theirs(self.exact, requests)

    def _theirs(self, lm: Any, requests: Requests) -> list[tuple[float, bool]]:
        found = lm._loglikelihood_tokens([(None, *request) for request in requests], disable_tqdm=True)
        return [(float(value), bool(greedy)) for value, greedy in found]

    def our_rolling(self, text: list[int]) -> float:
        from suites import scoring

        return float(scoring.rolling(self.model, [text], prefix=self.prefix, window=WINDOW)[0].sum())

    def their_rolling(self, text: list[int]) -> float:
        from lm_eval import utils

        pieces = utils.get_rolling_token_windows(text, self.prefix, WINDOW, 1)
        windows = [utils.make_disjoint_window(piece) for piece in pieces]
        return sum(value for value, _ in self._theirs(self.single, windows))

    def bare(self, text: list[int]) -> None:
        """Forward passes over the same windows, whose logits nobody looks at."""
        import torch

        ids = torch.tensor([self.prefix, *text[:-1]])
        with torch.inference_mode():
            for piece in ids.split(WINDOW):
                self.model(piece[None], use_cache=False)


def choice(rivals: Rivals, asked: list[Requests], rounds: int) -> None:
    """Prints the speed of multiple choice, and how far the answers are apart."""
    pieces = [[request for item in asked[number::rounds] for request in item] for number in range(rounds)]
    contestants: dict[str, Work] = {
        "ours": rivals.our_choice,
        "lm-eval": rivals.their_choice,
        "lm-eval, batches of 8": rivals.their_batches,
    }
    seconds, answers = race(contestants, pieces)
    counts = [sum(len(context) + len(end) for context, end in piece) for piece in pieces]
    print(f"\nmultiple choice: {len(asked)} items x {ANSWERS} answers, {sum(counts)} tokens, {rounds} rounds")
    table(seconds, counts)
    compared("per item", answers["ours"], answers["lm-eval"])
    again(
        rivals,
        [request for piece in pieces for request in piece],
        *([answer for piece in answers[name] for answer in piece] for name in ("ours", "lm-eval")),
    )


def again(rivals: Rivals, requests: Requests, ours: list[tuple[float, bool]], theirs: list[tuple[float, bool]]) -> None:
    """The items that are furthest apart, against lm-eval with its softmax in float64."""
    far = sorted(range(len(requests)), key=lambda each: -abs(ours[each][0] / theirs[each][0] - 1))[:FURTHEST]
    exact = rivals.exactly([requests[each] for each in far])
    compared(f"the furthest {len(far)}, lm-eval's softmax in float64", [[ours[each] for each in far]], [exact])


def roll(rivals: Rivals, text: list[int], rounds: int) -> None:
    """Prints the speed of rolling log-likelihoods; a round is some whole windows."""
    windows = max(1, len(text) // WINDOW // rounds)
    pieces = [text[start : start + windows * WINDOW] for start in range(0, len(text), windows * WINDOW)]
    contestants: dict[str, Work] = {
        "ours": rivals.our_rolling,
        "lm-eval": rivals.their_rolling,
        "bare forward passes": rivals.bare,
    }
    seconds, answers = race(contestants, pieces)
    counts = [len(piece) for piece in pieces]
    print(f"\nrolling: {sum(counts)} tokens, windows of {WINDOW}, {len(pieces)} rounds")
    table(seconds, counts)
    ours, theirs = ([(value, True) for value in answers[name]] for name in ("ours", "lm-eval"))
    compared("per text", [ours], [theirs])


def race(contestants: dict[str, Work], pieces: list[Any]) -> tuple[dict[str, list[float]], dict[str, list[Any]]]:
    """CPU seconds and answers by contestant, for each piece; who begins changes from round to round."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    answers: dict[str, list[Any]] = {name: [] for name in contestants}
    for work in contestants.values():
        work(pieces[0])
    for number, piece in enumerate(pieces):
        order = list(contestants)
        random.Random(number).shuffle(order)
        for name in order:
            started = time.process_time()
            answers[name].append(contestants[name](piece))
            seconds[name].append(time.process_time() - started)
    return seconds, answers


def table(seconds: dict[str, list[float]], counts: list[int]) -> None:
    """One line for each contestant: tokens per CPU second, and how many times its speed ours is."""
    for name, spent in seconds.items():
        low, high = interval(seconds["ours"], spent)
        ratio = sum(spent) / sum(seconds["ours"])
        print(
            f"  {name:24} {sum(counts) / sum(spent):7.0f} tokens/s   ours is {ratio:5.2f} times [{low:.2f}, {high:.2f}]"
        )


def interval(ours: list[float], theirs: list[float]) -> tuple[float, float]:
    """95% bootstrap interval of the ratio of two sums over the same rounds."""
    draw, rounds = random.Random(0), range(len(ours))
    ratios = sorted(
        sum(theirs[each] for each in picked) / sum(ours[each] for each in picked)
        for picked in (draw.choices(rounds, k=len(ours)) for _ in range(2000))
    )
    return ratios[50], ratios[1949]


def compared(what: str, ours: list[Any], theirs: list[Any]) -> None:
    pairs = [pair for one, two in zip(ours, theirs, strict=True) for pair in zip(one, two, strict=True)]
    furthest = max(abs(one[0] - two[0]) / max(abs(two[0]), 1e-9) for one, two in pairs)
    same = sum(one[1] == two[1] for one, two in pairs)
    print(f"  {what}: relative difference at most {furthest:.1e}, greedy flags alike in {same} of {len(pairs)}")


def memory(model: Any, text: list[int]) -> None:
    """Prints how far the peak rises over what the process held before, for a text and for four of it."""
    from suites import scoring

    words = int(model.get_output_embeddings().weight.shape[0])
    scoring.rolling(model, [text[:WINDOW]], prefix=text[0], window=WINDOW)
    for part in (len(text) // 4, len(text)):
        before = peak()
        scoring.rolling(model, [text[:part]], prefix=text[0], window=WINDOW)
        whole = part * words * 4 / 1e6
        print(
            f"  memory: peak rises by {peak() - before:.0f} MB over {part} tokens; all their logits are {whole:.0f} MB"
        )


def peak() -> float:
    """Megabytes that the process held at most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


if __name__ == "__main__":
    main()
