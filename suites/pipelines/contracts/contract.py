"""The contract of a pipeline task: valid and invalid inputs, the form of answers, and how answers are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fixtures.checkpoint.architectures import WRITES_TEXT
from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.agreement import difference, rounding


@dataclass(frozen=True)
class InputWithOptions:
    """The input of a canary with arguments of its own, such as the labels to choose from."""

    input: Any
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Contract:
    """The contract of one or several tasks. A sample is one input of the pipeline, an answer is its output for one."""

    tasks: tuple[str, ...]
    samples: Callable[[Pipe], Sequence[Any]]
    """At least three valid inputs of different sizes."""
    problems: Callable[[Any, Any, Pipe], Iterator[str]]
    """Yields a sentence for everything that is wrong with the answer to a sample."""
    options: Callable[[Pipe], Mapping[str, Any]] = lambda pipe: {}
    """Arguments of every call, which make answers complete and deterministic."""
    from_single: Callable[[Any], Any] = lambda output: output
    """Takes the answer out of the output for one input outside of a list."""
    from_stream: Callable[[Any], Any] = lambda output: output
    """Takes the answer out of the output for one input from a generator or a data set."""
    from_batch: Callable[[Any, Any], Any] = lambda alone, together: together
    """The part of an answer from a batch that is comparable with the answer of the input alone."""
    meaning: Callable[[Any], str] = str
    """The answer as a word or a text, which is compared with the expected answer of a canary."""
    match_canary: Callable[[Any, str], str] | None = None
    """Returns the canary's expected answer if the actual one is close enough (boxes), else the actual one as text."""
    comparable: Callable[[Any], Any] = lambda answer: answer
    """The part of an answer that rounding errors do not add or remove: only this is compared with other answers."""
    integer_tolerance: int = 0
    """Largest difference of whole numbers that rounding explains: one pixel, for coordinates."""
    canary_input: Callable[[Any, Pipe], Any] = lambda value, pipe: value
    """Converts the input of a canary (text or a JSON object) into a sample."""
    other_forms: Callable[[Any], Mapping[str, Any]] = lambda sample: {}
    """The same sample in every other form that the task accepts, by name."""
    invalid_inputs: Callable[[Pipe], Mapping[str, Any]] = lambda pipe: {}
    """Invalid inputs by name: each must get a clear error or a valid answer, and must not affect the next call."""
    long_input: Callable[[int], Any] | None = None
    """A sample with more tokens than the given number of positions; None for tasks without such a limit."""
    long_input_prefix: Callable[[Pipe], str] = lambda pipe: ""
    """Text that the long input must begin with."""
    truncates: bool = False
    """True if the pipeline truncates long inputs by itself, to the limit that the tokenizer states."""
    truncation_options: Mapping[str, Any] = field(default_factory=dict)
    """Arguments that make the pipeline truncate a long input instead of refusing it."""

    answers_randomly: Callable[[Pipe], bool] = lambda pipe: False
    """True if answers are sampled, so that no two can be compared."""
    can_batch: Callable[[Pipe], bool] = lambda pipe: True
    """True if the pipeline supports `batch_size`; otherwise it processes a list one by one."""
    accepts_lists: Callable[[Pipe], bool] = lambda pipe: True
    """True if the pipeline accepts a list of inputs; otherwise each input is passed alone."""
    unwraps_single_lists: bool = False
    """True if the pipeline treats a list of one input like the input itself."""
    lists_only: bool = False
    """True if the pipeline accepts lists only, not generators or data sets."""

    @property
    def generates_text(self) -> bool:
        """True if answers are generated token by token: a rounding error may change a word."""
        return not WRITES_TEXT.isdisjoint(self.tasks)

    def answers(self, pipe: Pipe, samples: Sequence[Any], **options: Any) -> list[Any]:
        """Returns the answers to several samples, in their order."""
        if not self.accepts_lists(pipe):
            return [self.answer(pipe, sample, **options) for sample in samples]
        output = pipe(list(samples), **{**self.options(pipe), **options})
        return [output] if self.unwraps_single_lists and len(samples) == 1 else list(output)

    def answer(self, pipe: Pipe, sample: Any, **options: Any) -> Any:
        """Returns the answer to one sample, passed alone."""
        call = sample if isinstance(sample, InputWithOptions) else InputWithOptions(sample, {})
        return self.from_single(pipe(call.input, **{**self.options(pipe), **call.options, **options}))

    def difference(self, pipe: Pipe, one: Any, other: Any) -> str | None:
        """Describes where two answers differ by more than rounding explains; None if they agree."""
        return difference(self.comparable(one), self.comparable(other), rounding(pipe), self.integer_tolerance)
