from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from fixtures.models.loading import Loaded
from fixtures.session.needs import needs
from fixtures.session.options import LmEval
from suites.findings import Defect, Record
from suites.quality.lm_eval import harness


@needs("continues_text")
@pytest.mark.timeout(0)  # a whole task takes as long as it takes
def test_standard_tasks(
    loaded: Loaded,
    fresh_tokenizer: Callable[[], Any],
    lm_eval_task: str,
    lm_eval: LmEval,
    record: Record,
) -> None:
    """Every task of `--lm-eval-tasks` runs on the loaded model, and all likelihoods in it are numbers.

    Why: lm-eval takes the largest likelihood for the answer and does not mind that others, or all, are NaN: a broken
        model gets the score of whoever always takes the first answer.
    Fix: see `integrity/logits-finite`; another dtype (bfloat16 for float16) is the usual mend.
    Source: https://arxiv.org/abs/2405.14782 (evaluation that others can repeat, and lm-eval)
    """
    found = harness.evaluated(loaded.model, fresh_tokenizer(), lm_eval_task, lm_eval)
    refuse_nan(found, lm_eval_task)
    how = harness.manner(found, lm_eval_task, lm_eval)
    version = f"lm-eval {harness.version()}, version {found['versions'].get(lm_eval_task)}, {how}"
    told = []
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
        told.append(f"{score.metric} {score.value:.4g}")
    record.capability(f"quality.lm_eval.{harness.plain(lm_eval_task)}", f"{', '.join(told)} ({how})")


def refuse_nan(found: dict[str, Any], task: str) -> None:
    """Raises Defect where likelihoods are NaN."""
    broken, answers = harness.nan_answers(found)
    if broken:
        raise Defect(
            f"{broken} of {answers} log-likelihoods that the model gives for {task} are NaN, which lm-eval scores as "
            "if they were answers.",
            evidence={"results": {name: value for name, value in found["results"].items() if name == task}},
        )
