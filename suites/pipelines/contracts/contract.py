"""What a pipeline task promises, stated once per task: what goes in, what comes out, what relates the two."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fixtures.pipelines.pipe import Pipe
from suites.pipelines.contracts.agreement import difference, rounding


@dataclass(frozen=True)
class InputWithOptions:
    """The input of a canary that brings arguments of its own, such as the labels to choose from."""

    input: Any
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Contract:
    """One task's contract. An input is whatever the pipeline takes as one; an answer is what it gives for one."""

    tasks: tuple[str, ...]
    samples: Callable[[Pipe], Sequence[Any]]
    """At least three valid inputs of different size."""
    problems: Callable[[Any, Any, Pipe], Iterator[str]]
    """Sentences about what is wrong with the answer to an input: nothing where it is as promised."""
    options: Callable[[Pipe], Mapping[str, Any]] = lambda pipe: {}
    """Arguments of every call, so that answers are whole and do not depend on chance."""
    from_single: Callable[[Any], Any] = lambda output: output
    """The answer in what the pipeline returns for one input that is not in a list."""
    from_stream: Callable[[Any], Any] = lambda output: output
    """The answer in what comes for each input of a generator or a data set."""
    from_batch: Callable[[Any, Any], Any] = lambda alone, together: together
    """What of an answer from a batch is to be compared with the answer that the input gets alone."""
    meaning: Callable[[Any], str] = str
    """What an answer says, in one word or text: to be compared with a canary's."""
    match_canary: Callable[[Any, str], str] | None = None
    """The canary's answer itself where the answer agrees with it (boxes: near enough), else what the answer says."""
    comparable: Callable[[Any], Any] = lambda answer: answer
    """What of an answer is compared with another answer: not what a rounding error brings in or takes out."""
    integer_tolerance: int = 0
    """By how much whole numbers may differ where rounding decides them: one pixel, for places."""
    canary_input: Callable[[Any, Pipe], Any] = lambda known, pipe: known
    """What the pipeline takes for the input of a canary, which is written as text or as a table."""
    other_forms: Callable[[Any], Mapping[str, Any]] = lambda sample: {}
    """The same input in every other form that the task accepts, by name."""
    invalid_inputs: Callable[[Pipe], Mapping[str, Any]] = lambda pipe: {}
    """Inputs that are no inputs, by name: a clear error, or an answer as promised, and no harm to the next call."""
    long_input: Callable[[int], Any] | None = None
    """An input of more tokens than a model with so many positions can read; None where that makes no sense."""
    long_input_prefix: Callable[[Pipe], str] = lambda pipe: ""
    """What a text that is too long has to begin with."""
    truncates: bool = False
    """Whether the pipeline cuts inputs that are too long by itself, to the limit that the tokenizer knows."""
    truncation_options: Mapping[str, Any] = field(default_factory=dict)
    """Arguments with which an input that is too long is cut instead of refused."""

    answers_randomly: Callable[[Pipe], bool] = lambda pipe: False
    """Whether answers are drawn by chance, so that no two can be compared."""
    can_batch: Callable[[Pipe], bool] = lambda pipe: True
    """Whether the pipeline can put several inputs together; where the library cannot, a list is read one by one."""
    accepts_lists: Callable[[Pipe], bool] = lambda pipe: True
    """Whether the pipeline takes lists of several inputs; where it does not, each is given alone."""
    unwraps_single_lists: bool = False
    """Whether the pipeline takes a list of one input for the input."""
    lists_only: bool = False
    """Whether the pipeline takes lists alone, and refuses generators and data sets."""
    generates_text: bool = False
    """Whether answers are text that is generated token by token: a rounding error may change a word."""

    def answers(self, pipe: Pipe, samples: Sequence[Any], **options: Any) -> list[Any]:
        """The answers to several inputs, in their order."""
        if not self.accepts_lists(pipe):
            return [self.answer(pipe, sample, **options) for sample in samples]
        output = pipe(list(samples), **{**self.options(pipe), **options})
        return [output] if self.unwraps_single_lists and len(samples) == 1 else list(output)

    def answer(self, pipe: Pipe, sample: Any, **options: Any) -> Any:
        """The answer to one input, given alone."""
        asked = sample if isinstance(sample, InputWithOptions) else InputWithOptions(sample, {})
        return self.from_single(pipe(asked.input, **{**self.options(pipe), **asked.options, **options}))

    def difference(self, pipe: Pipe, one: Any, other: Any) -> str | None:
        """Where two answers differ by more than rounding explains, in words."""
        return difference(self.comparable(one), self.comparable(other), rounding(pipe), self.integer_tolerance)
