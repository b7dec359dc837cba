"""The rows of the gallery: one for each check, in the module of its topic, with ids that `-k` selects."""

from __future__ import annotations

import pytest

from fixtures.session.options import SUITES
from selftests.gallery import harness, page
from selftests.gallery.registry import Row
from selftests.gallery.sources import linked
from selftests.suites.catalogue import check_files

ROWS = "selftests.gallery.rows"
TOPICS = {
    "generation/greedy-deterministic": "generation.determinism",
    "integrity/loads": "integrity.loading",
    "quality/answers-questions": "quality.knowledge",
    "quality/predicts-text": "quality.knowledge",
}
"""Modules of rows for checks directly in the folder of their suite."""
RECORD_ONLY = {
    "chat_templates/capabilities",
    "chat_templates/renders-kept",
    "generation/answers-kept",
    "pipelines/outputs-kept",
    "tokenizers/corpus-ids",
    "tokenizers/encoding-cost",
}
"""Checks that record values for a baseline and report nothing by themselves."""
TESTED_ELSEWHERE = {
    "generation/compiled-equals-eager": "selftests/suites/running/test_agreement.py",
    "pipelines/tasks-are-known": "selftests/fixtures/checkpoint/test_architectures.py",
    "quality/standard-tasks": "selftests/suites/quality/test_lm_eval.py",
    "quantization/generation-speed": "selftests/suites/quantization/test_cost.py",
    "quantization/loading-time": "selftests/suites/quantization/test_cost.py",
    "quantization/speed-against-full": "selftests/suites/quantization/test_cost.py",
}
"""Checks that a quick run on a CPU leaves out, or that no change of a subject can make fail."""
NEEDS_ACCELERATOR = {"pipelines/accelerator-agrees-with-cpu"}


def test_the_page_is_current() -> None:
    assert page.PAGE.read_text(encoding="utf-8") == page.render(), "run `python -m selftests.gallery.page`"


def test_every_check_has_a_row() -> None:
    """A check without a row in the default run is not proven to report anything."""
    without = {*check_files()} - {row.check for row in harness.all_mutants().values() if not row.slow}
    assert without == RECORD_ONLY | {*TESTED_ELSEWHERE} | NEEDS_ACCELERATOR


@pytest.mark.parametrize("file", sorted({*TESTED_ELSEWHERE.values()}))
def test_a_file_that_replaces_rows_exists(file: str) -> None:
    assert (SUITES.parent / file).is_file()


def test_rows_are_in_the_module_of_their_check() -> None:
    """Rows of a check in `suites/SUITE/TOPIC/` are in `rows/SUITE/TOPIC.py` or in a module of `rows/SUITE/TOPIC/`."""
    files = check_files()

    def expected(row: Row) -> str:
        return f"{ROWS}.{TOPICS.get(row.check) or '.'.join(files[row.check].relative_to(SUITES).parent.parts)}"

    rows = harness.all_rows().values()
    assert [row.id for row in rows if not f"{row.module}.".startswith(f"{expected(row)}.")] == []


def test_no_id_selects_a_second_row(request: pytest.FixtureRequest) -> None:
    """`-k` looks for the id in the names of tests, of their files and of their folders."""
    ids = {*harness.all_rows()}
    names = {name for item in request.session.items for name in item.listnames()} | {*request.session.config.args}
    others = {name.lower() for name in names if "[" not in name or name.partition("[")[2].rstrip("]") not in ids}
    assert [(one, two) for one in ids for two in (ids - {one}) | others if one in two] == []


def test_ids_are_readable() -> None:
    """Lower-case words of ASCII with hyphens: at least two of them, at most six."""
    words = {id: id.split("-") for id in harness.all_rows()}
    assert [id for id, parts in words.items() if not all(part.isascii() and part.isalnum() for part in parts)] == []
    assert [id for id, parts in words.items() if id != id.lower() or not 2 <= len(parts) <= 6] == []


def test_numbers_are_unique() -> None:
    numbers = [row.number for row in harness.all_mutants().values() if row.number]
    assert sorted(numbers) == sorted({*numbers})


def test_slow_checks_have_files() -> None:
    """A wrong path would deselect nothing."""
    assert [file for file in harness.SLOW.values() if not (SUITES / file).is_file()] == []


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("own", "own"),
        ("a/b#1, #2", "[a/b#1](https://github.com/a/b/issues/1), [#2](https://github.com/a/b/issues/2)"),
        ("arXiv:2405.05417", "[arXiv:2405.05417](https://arxiv.org/abs/2405.05417)"),
        ("own (CVE-2024-1)", "own ([CVE-2024-1](https://www.cve.org/CVERecord?id=CVE-2024-1))"),
        ("https://a.b/c#d", "[a.b/c#d](https://a.b/c#d)"),
        ("own, as in a/b's template", "own, as in [a/b](https://huggingface.co/a/b)'s template"),
        ("a/b docs/c.md", "[a/b](https://github.com/a/b) docs/c.md"),
    ],
)
def test_sources_are_linked(source: str, text: str) -> None:
    assert linked(source) == text
