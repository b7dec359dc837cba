from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from fixtures.session.options import LmEval
from fixtures.session.uses import uses
from suites.findings import Defect, Record
from suites.quality.lm_eval import harness


@needs("continues_text")
@pytest.mark.timeout(0)  # a whole task may take hours
@uses("generation")
def test_standard_tasks(
    loaded: Loaded,
    fresh_tokenizer: Callable[[], Any],
    lm_eval_task: str,
    lm_eval: LmEval,
    record: Record,
) -> None:
    """Every task of `--lm-eval-tasks` runs on the loaded model, and no likelihood is NaN.

    Why: lm-eval selects the answer with the largest likelihood and ignores NaN, so a broken model gets the score of
        always selecting the first answer.
    Fix: see `integrity/logits-finite`; usually another dtype helps (bfloat16 instead of float16).
    Source: https://arxiv.org/abs/2405.14782 (evaluation that others can repeat, and lm-eval)
    """
    found = harness.evaluated(loaded.model, fresh_tokenizer(), lm_eval_task, lm_eval)
    refuse_nan(found, lm_eval_task)
    setup = harness.setup(found, lm_eval_task, lm_eval)
    version = f"lm-eval {harness.version()}, version {found['versions'].get(lm_eval_task)}, {setup}"
    values = []
    for score in harness.scores(found, lm_eval_task):
        name = f"quality.lm_eval.{harness.plain(lm_eval_task)}.{score.metric}"
        record.metric(
            name,
            score.value,
            score.unit,
            better=score.better,
            samples=score.documents,
            interval=score.interval,
            version=version,
        )
        values.append(f"{score.metric} {score.value:.4g}")
    record.capability(f"quality.lm_eval.{harness.plain(lm_eval_task)}", f"{', '.join(values)} ({setup})")


def refuse_nan(found: dict[str, Any], task: str) -> None:
    """Raises Defect if likelihoods are NaN."""
    broken, answers = harness.nan_answers(found)
    if broken:
        raise Defect(
            f"{broken} of {answers} log-likelihoods of the task {task} are NaN, but lm-eval scores them like valid "
            "answers.",
            evidence={"results": {name: value for name, value in found["results"].items() if name == task}},
        )
