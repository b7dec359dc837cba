"""`docs/gallery.md`: the gallery as a table. Rewrite it with `python -m selftests.gallery.table`."""

from __future__ import annotations

from fixtures.session.options import SUITES
from selftests.gallery.harness import all_mutants
from selftests.gallery.registry import Mutant

TABLE = SUITES.parent / "docs" / "gallery.md"
HEAD = """# The defect gallery

Each row is a documented defect, made on purpose in a small healthy subject; the check in the last column must catch it
with a finding that names the cause, and must pass on the healthy subject. `selftests/gallery` runs the real suite on
all of them. This page is written by `python -m selftests.gallery.table`.

| id | defect | source | made from | caught by | as |
| --- | --- | --- | --- | --- | --- |
"""


def render() -> str:
    rows = sorted(all_mutants().values(), key=lambda row: row.id)
    return HEAD + "".join(_line(row) for row in rows)


def _line(row: Mutant) -> str:
    cells = (row.id, _cell(row.defect), row.source, row.base, f"`{row.caught_by}`", row.severity)
    return f"| {' | '.join(cells)} |\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    TABLE.write_text(render(), encoding="utf-8")
