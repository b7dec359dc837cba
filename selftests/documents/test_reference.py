"""The generated reference pages are current."""

from __future__ import annotations

from selftests.documents.reference import pages


def test_the_pages_are_current() -> None:
    stale = [path.name for path, text in pages().items() if path.read_text(encoding="utf-8") != text]
    assert stale == [], "run `python -m selftests.documents.reference`"
