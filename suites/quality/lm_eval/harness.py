"""Runs lm-eval on a loaded model, and reads its results as numbers with errors."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from fixtures.session.options import LmEval
from suites.findings import Limit, Missing
from suites.intervals import Z95
from suites.running import generate

MISSING = "--lm-eval-tasks needs the package lm-eval"
INSTALL = "pip install 'seatrial[lm-eval]'"
RESAMPLES = 1000
"""Bootstrap samples for errors without a formula; lm-eval's default of 100,000 takes minutes."""
BATCH = {"cpu": 1}
"""Requests in a batch, by device; on a CPU batches are slower."""
BATCH_ELSEWHERE = 8
SHARES = ("acc", "exact_match", "f1", "em", "pct_")
UNITS = {
    "perplexity": "per token",
    "word_perplexity": "per word",
    "byte_perplexity": "per byte",
    "bits_per_byte": "bits",
}


@dataclass(frozen=True)
class Score:
    """One number of a task."""

    metric: str
    """`acc`, or with its filter `exact_match.strict_match`."""
    value: float
    error: float | None
    """Standard error, if lm-eval computes one."""
    better: str
    documents: int

    @property
    def interval(self) -> tuple[float, float] | None:
        """95% interval from the standard error; for a share, within 0 and 1."""
        if self.error is None:
            return None
        low, high = self.value - Z95 * self.error, self.value + Z95 * self.error
        return (max(0.0, low), min(1.0, high)) if self.unit == "share" else (low, high)

    @property
    def unit(self) -> str:
        name = self.metric.partition(".")[0]
        return UNITS.get(name, "share" if name.startswith(SHARES) else "score")


def evaluated(model: Any, tokenizer: Any, task: str, asked: LmEval) -> dict[str, Any]:
    """Returns lm-eval's results of a task, with its samples; may change the tokenizer.

    Raises:
        Missing: the package, or the task's data.
        Limit: lm-eval has no such task.
    """
    evaluator = _module("lm_eval.evaluator")
    tasks = _tasks(asked.include, (task,))
    with generate.refusals("lm-eval"):
        try:
            found = evaluator.simple_evaluate(
                _of_loaded(model, tokenizer),
                tasks=[task],
                limit=asked.limit,
                bootstrap_iters=RESAMPLES,
                apply_chat_template=asked.chat,
                task_manager=tasks,
            )
        except OSError as failure:
            summary = f"the data of {task} cannot be loaded: {_first_line(failure)}"
            raise Missing(summary, "a network, or --lm-eval-include with a task whose data is here") from failure
    return dict(found)


def _of_loaded(model: Any, tokenizer: Any) -> Any:
    kind = _module("lm_eval.models.huggingface").HFLM
    return kind(pretrained=model, tokenizer=tokenizer, batch_size=BATCH.get(model.device.type, BATCH_ELSEWHERE))


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as failure:
        raise Missing(MISSING, INSTALL) from failure


@cache
def _tasks(include: tuple[Path, ...], wanted: tuple[str, ...]) -> Any:
    """The index of tasks; includes lm-eval's own, which takes ten seconds to read, only if the user's lack the task."""
    manager = _module("lm_eval.tasks").TaskManager
    for folder in include:
        if not folder.is_dir():
            raise Limit(f"--lm-eval-include {folder}: no such directory")
    folders = [str(folder) for folder in include]
    if folders:
        own = manager(include_path=folders, include_defaults=False)
        if set(wanted) <= set(own.all_tasks):
            return own
    every = _every_task(tuple(folders))
    if unknown := sorted(set(wanted) - set(every.all_tasks)):
        raise Limit(f"lm-eval {version()} has no task {unknown[0]}; name a directory with it by --lm-eval-include")
    return every


@cache
def _every_task(folders: tuple[str, ...]) -> Any:
    return _module("lm_eval.tasks").TaskManager(include_path=list(folders) or None)


def installed() -> bool:
    return find_spec("lm_eval") is not None


def version() -> str:
    return metadata.version("lm-eval")


def scores(found: Mapping[str, Any], task: str) -> Iterator[Score]:
    """Yields the scores of a task or of a group as a whole; for a tag, the scores of its members by name."""
    results = found["results"]
    for name in [task] if task in results else list(results):
        better = found["higher_is_better"].get(name, {})
        documents = _documents(found, name)
        for key, value in results[name].items():
            metric, _, chosen_by = key.partition(",")
            if chosen_by and not metric.endswith("_stderr") and isinstance(value, (int, float)):
                error = results[name].get(f"{metric}_stderr,{chosen_by}")
                label = metric if chosen_by == "none" else f"{metric}.{plain(chosen_by)}"
                yield Score(
                    label if name == task else f"{plain(name)}.{label}",
                    float(value),
                    float(error) if isinstance(error, (int, float)) else None,
                    "lower" if better.get(metric) is False else "higher",
                    documents,
                )


def _documents(found: Mapping[str, Any], name: str) -> int:
    """The number of documents of a task, or of all members of a group."""
    counts, members = found["n-samples"], found.get("group_subtasks", {}).get(name) or [name]
    return sum(
        counts[each]["effective"] if each in counts else _documents(found, each)
        for each in members
        if each in counts or each != name
    )


def setup(found: Mapping[str, Any], task: str, asked: LmEval) -> str:
    """Returns the conditions of the task, without which its scores mean nothing."""
    shots = found["n-shot"].get(task, 0)
    examples = f"{shots} example{'s' * (shots != 1)} before each question"
    documents = "all documents" if asked.limit is None else f"the first {asked.limit} documents"
    return f"{documents}, {examples}, {'in the' if asked.chat else 'without a'} chat template"


def plain(name: str) -> str:
    """Returns a name of letters, digits and underscores only."""
    return re.sub(r"\W+", "_", name).strip("_").lower()


def nan_answers(found: Mapping[str, Any]) -> tuple[int, int]:
    """Returns the number of likelihoods that are NaN, and the number of all."""
    samples = [each for several in (found.get("samples") or {}).values() for each in several]
    numbers = [number for sample in samples for number in _numbers(sample.get("resps", ()))]
    return sum(number != number for number in numbers), len(numbers)


def _numbers(answers: Any) -> Iterator[float]:
    if isinstance(answers, float):
        yield answers
    elif isinstance(answers, (list, tuple)):
        for each in answers:
            yield from _numbers(each)


def _first_line(failure: Exception) -> str:
    return (str(failure).strip().splitlines() or [type(failure).__name__])[0][:200]
