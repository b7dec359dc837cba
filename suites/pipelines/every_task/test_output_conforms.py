from __future__ import annotations

from fixtures.tasks.pipe import Pipe
from suites.findings import Defect
from suites.pipelines.agreement import shown
from suites.pipelines.contract import promised_of


def test_output_conforms(pipe: Pipe, task: str) -> None:
    """A pipeline answers in the form that its task promises: keys, ranges, order, sums.

    Why: what reads the answers relies on it; a head of another width, scores that are no probabilities or a label that
    the config does not have go unnoticed until somebody counts.
    Fix: the finding names what is wrong; the head, the labels or `problem_type` in config.json decide it.
    Source: https://huggingface.co/docs/transformers/main_classes/pipelines
    """
    promised = promised_of(pipe)
    samples = promised.samples(pipe)
    for sample, answer in zip(samples, promised.answers(pipe, samples), strict=True):
        if problem := next(promised.problems(sample, answer, pipe), None):
            raise Defect(f"{task}: {problem}.", evidence={"input": shown(sample), "answer": shown(answer)})
