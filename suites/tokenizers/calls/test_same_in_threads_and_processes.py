from __future__ import annotations

import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fixtures.inputs.texts import TRICKY_TEXTS
from fixtures.machine.machine import no_garbage_collection
from fixtures.session.uses import uses
from suites.evidence import escaped, tokens
from suites.findings import Defect, Hazard, Record
from suites.tokenizers.calls.forked_process import run_in_fork
from suites.tokenizers.checked_calls import call_or_skip
from suites.tokenizers.evidence import case

THREADS, ROUNDS = 4, 3
OTHER_PROCESSES = ("training", "serving")
"""The uses that pickle or fork a tokenizer: data loaders and servers."""
CUT = {"truncation": True, "max_length": 8}


@uses("text", "training", "serving")
def test_same_in_threads_and_processes(tokenizer: Any, record: Record) -> None:
    """The ids of a text are the same at every call, in threads, after pickling, and in a forked process.

    Why: data loaders pickle or fork tokenizers and servers share them between threads; wrong ids raise no error there.
    Fix: Keep state out of a custom tokenizer class, and pickle it with all its added tokens; give each thread its own
        tokenizer.
    Source: https://github.com/huggingface/transformers/issues/47085; https://github.com/huggingface/tokenizers/issues/537
    """
    record.capability("tokenizer.call_settings", settings_of_calls(tokenizer))
    sample = [*TRICKY_TEXTS.values(), *specials(tokenizer)]
    expected = after_another(tokenizer, sample, 16)
    compare(tokenizer, sample, expected, after_another(tokenizer, sample, 8), "after a call with other truncation")
    compare(tokenizer, sample, expected, [ids(tokenizer, text) for text in sample], "in a second call")
    for options in ({}, CUT):
        in_threads(tokenizer, sample, options)
    compare(tokenizer, sample, expected, pickled(tokenizer, sample), "after pickling", OTHER_PROCESSES)
    if hasattr(os, "fork"):
        compare(tokenizer, sample, expected, forked(tokenizer, sample), "in a forked process", OTHER_PROCESSES)


def specials(tokenizer: Any) -> list[str]:
    """Texts with added tokens, which pickling may lose."""
    contents = sorted(token.content for token in tokenizer.added_tokens_decoder.values())[:20]
    return [f"a{content}b" for content in contents]


def ids(tokenizer: Any, text: str, **options: Any) -> list[int]:
    return list(call_or_skip(tokenizer, text, **options)["input_ids"])


def after_another(tokenizer: Any, sample: list[str], length: int) -> list[list[int]]:
    """Ids of texts, each encoded after a call that truncates to some length."""
    found = []
    for text in sample:
        ids(tokenizer, text, truncation=True, max_length=length)
        found.append(ids(tokenizer, text))
    return found


def in_threads(tokenizer: Any, sample: list[str], options: dict[str, Any]) -> None:
    """Compares ids from several threads that share the tokenizer with those of one thread."""
    __tracebackhide__ = True
    alone = [ids(tokenizer, text, **options) for text in sample]
    with ThreadPoolExecutor(THREADS) as pool:
        try:
            found = list(pool.map(lambda text: ids(tokenizer, text, **options), sample * ROUNDS))
        except Exception as error:
            summary = f"Threads that share the tokenizer get {type(error).__name__}: {error}"
            raise Hazard(summary, evidence={"threads": THREADS, "options": options}, uses=("serving",)) from None
    compare(tokenizer, sample * ROUNDS, alone * ROUNDS, found, f"in {THREADS} threads", ("serving",))


def pickled(tokenizer: Any, sample: list[str]) -> list[list[int]]:
    __tracebackhide__ = True
    try:
        with no_garbage_collection():
            copy = pickle.loads(pickle.dumps(tokenizer))
    except Exception as error:
        cause = f"{type(error).__name__}: {str(error)[:200]}"
        summary = f"The tokenizer cannot be pickled: {cause}"
        evidence = {"class": type(tokenizer).__name__}
        raise Hazard(summary, evidence=evidence, uses=OTHER_PROCESSES) from None
    return [ids(copy, text) for text in sample]


def forked(tokenizer: Any, sample: list[str]) -> list[list[int]]:
    __tracebackhide__ = True
    try:
        answer = run_in_fork(lambda: [ids(tokenizer, text) for text in sample])
    except TimeoutError as late:
        summary = f"Encoding in a forked process hangs: {late}"
        raise Hazard(summary, evidence={"text": sample[0]}, uses=OTHER_PROCESSES) from None
    if isinstance(answer, dict):
        summary = f"Encoding in a forked process fails: {answer['error']}"
        raise Hazard(summary, evidence={"text": sample[0]}, uses=OTHER_PROCESSES)
    return list(answer)


def compare(
    tokenizer: Any,
    sample: list[str],
    expected: list[list[int]],
    actual: list[list[int]],
    where: str,
    uses: tuple[str, ...] = (),
) -> None:
    __tracebackhide__ = True
    for text, one, other in zip(sample, expected, actual, strict=True):
        if one != other:
            raise Defect(
                f"The text {escaped(text, limit=40)} has other ids {where} than in the first call.",
                evidence=case(tokenizer, text, one, then=other[:60], **{"tokens then": tokens(tokenizer, other[:60])}),
                uses=uses,
            )


def settings_of_calls(tokenizer: Any) -> str:
    """Says if padding and truncation of a call stay in the backend, where they affect calls in other threads.

    In every fast tokenizer they do: transformers 4.57 then raises 'Already borrowed' in mixed threads, and 5.23
    truncates in calls without truncation.
    """
    backend = getattr(tokenizer, "backend_tokenizer", None)
    ids(tokenizer, "one two three four five six seven eight nine ten", **CUT)
    shared = backend is not None and backend.truncation is not None
    ids(tokenizer, "one")
    return "shared between threads" if shared else "local to the call"
