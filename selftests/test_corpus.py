"""The corpus is what it says: distinct texts, really in their scripts, the same on every machine."""

from __future__ import annotations

import unicodedata

import pytest

from fixtures.inputs import corpus

# A word of the Unicode names of a script's letters, and the sections that must be written in it.
SCRIPTS = {
    "LATIN": ("english", "accents", "german", "polish", "turkish", "vietnamese", "contractions", "mixed-case"),
    "GREEK": ("greek",),
    "CYRILLIC": ("cyrillic",),
    "HEBREW": ("hebrew",),
    "ARABIC": ("arabic", "persian", "urdu"),
    "DEVANAGARI": ("hindi",),
    "BENGALI": ("bengali",),
    "TAMIL": ("tamil",),
    "TELUGU": ("telugu",),
    "THAI": ("thai",),
    "LAO": ("lao",),
    "KHMER": ("khmer",),
    "MYANMAR": ("burmese",),
    "GEORGIAN": ("georgian",),
    "ARMENIAN": ("armenian",),
    "ETHIOPIC": ("amharic",),
    "CJK": ("chinese-simplified", "chinese-traditional"),
    "HIRAGANA": ("japanese",),
    "HANGUL": ("korean", "korean-jamo"),
}
PAIRS = [(script, section) for script, sections in SCRIPTS.items() for section in sections]


def letters(section: str) -> list[str]:
    """Unicode names of the letters of a section."""
    text = "".join(corpus.sections()[section])
    return [unicodedata.name(each, "") for each in text if unicodedata.category(each)[0] == "L"]


@pytest.mark.parametrize(("script", "section"), PAIRS)
def test_a_section_is_in_its_script(script: str, section: str) -> None:
    """Most letters; Japanese mixes four scripts, and some lines hold a brand or a unit."""
    found = letters(section)
    share = sum(script in name for name in found) / len(found)
    assert share > (0.2 if section == "japanese" else 0.75)


def test_texts_are_distinct_and_not_blank() -> None:
    texts = list(corpus.lines().values())
    assert len(set(texts)) == len(texts) > 250
    assert all(text.strip() for text in texts)
    assert all("\\u" not in text for name, text in corpus.lines().items() if not name.startswith(("json", "latex")))


def test_every_language_has_a_script_test_and_every_group_exists() -> None:
    assert {section for _, section in PAIRS} >= corpus.LANGUAGES
    assert corpus.sections().keys() >= corpus.LANGUAGES | corpus.CODE
    assert corpus.WITHOUT_SPACES < corpus.LANGUAGES


def test_what_is_invisible_is_written_as_an_escape() -> None:
    """Editors strip or change it: controls, odd spaces, tabs, and spaces at the end of a line."""
    raw = corpus.FILE.read_text(encoding="utf-8")
    assert not [line for line in raw.split("\n") if line != line.rstrip()]
    joiners = {"\u200c", "\u200d"}
    odd = {each for each in raw if unicodedata.category(each) in ("Cc", "Cf", "Zs", "Zl", "Zp")} - joiners - {" ", "\n"}
    assert all(0xE0000 <= ord(each) < 0xE0080 or each == "\u3000" for each in odd), odd  # flags of regions, full width


def test_text_holds_no_surrogates() -> None:
    assert all(text.encode() for text in corpus.lines().values())


def test_the_version_follows_the_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = corpus.version()
    monkeypatch.setattr(corpus, "lines", lambda: {"english/1": "other"})
    corpus.version.cache_clear()
    try:
        assert corpus.version() != before
    finally:
        corpus.version.cache_clear()
