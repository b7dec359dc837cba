"""Selection and order of checks."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path

import pytest

from fixtures.checkpoint.traits import Traits
from fixtures.files.problems import Problem
from fixtures.session.needs import NEEDS
from selftests.gallery.harness import copy
from selftests.gallery.registry import CHAT, CLASSIFIER
from selftests.processes.pytest_run import QUIET, run_pytest

TOKENIZER = Traits(has_tokenizer=True)
BROKEN = Traits(has_tokenizer=True, problems=(Problem("tokenizer.json", "cut", "mend", ("tokenizer",)),))


@pytest.mark.parametrize(
    ("fixtures", "traits", "expected"),
    [
        ({"subject", "tokenizer"}, TOKENIZER, True),
        ({"subject", "tokenizer", "chat"}, TOKENIZER, False),
        ({"subject", "loaded"}, TOKENIZER, False),
        ({"subject", "tokenizer"}, BROKEN, False),
        ({"subject"}, BROKEN, True),
    ],
)
def test_a_check_applies_where_its_fixtures_can_be_had(fixtures: set[str], traits: Traits, expected: bool) -> None:
    assert all(NEEDS[name].subject(traits) for name in fixtures & NEEDS.keys()) is expected


def test_a_run_goes_subject_by_subject_and_variant_by_variant(tmp_path: Path) -> None:
    """So that no variant is loaded twice, and what needs no weights is known first."""
    models = [f"--model={copy(name, tmp_path / name)}" for name in (CHAT, CLASSIFIER)]
    options = ("suites/integrity", "suites/tokenizers", "--dtype=auto,bfloat16", "-k", "loads or complete or bijective")
    done = run_pytest(*QUIET, *options, *models, report=tmp_path / "report")
    lines = (json.loads(line) for line in (done.report / "records.jsonl").read_text(encoding="utf-8").splitlines())
    checks = [line for line in lines if line["kind"] == "check"]
    stretches = [key for key, _ in groupby((line["subject"], line["variant"].get("dtype")) for line in checks)]
    assert stretches == [(name, dtype) for name in (CHAT, CLASSIFIER) for dtype in (None, "float32", "bfloat16")]
