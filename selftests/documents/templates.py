"""The tables of `docs/templates.md`, from a run's verdict: `python -m selftests.documents.templates VERDICT.json`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from fixtures.session.options import SUITES

Json = dict[str, Any]

PAGE = SUITES.parent / "docs" / "templates.md"
COLUMNS = {
    "system": "chat.system_role",
    "alternation": "chat.alternation",
    "tools": "chat.tools",
    "calls": "chat.tool_calls",
    "parallel calls": "chat.parallel_tool_calls",
    "results": "chat.tool_results",
    "reasoning": "chat.reasoning",
    "reasoning switch": "chat.thinking_toggle",
    "content parts": "chat.content_parts",
    "default prompt": "chat.default_system_prompt",
    "current date": "chat.current_date",
    "triggers in text": "chat.content_triggers",
    "minijinja": "chat.minijinja",
    "llama.cpp": "chat.llama_cpp",
}
"""Capabilities that applications ask for first; the others are listed by value."""
SHORT = {"same prompt": "same", "different prompt": "different", "same prompt with transformers' tojson": "same¹",
         "printed as a Python list": "as Python", "merged into the user message": "merged",
         "kept in earlier turns": "kept", "removed from earlier turns": "removed",
         "enable_thinking: on by default": "on", "enable_thinking: off by default": "off"}  # fmt: skip


def capabilities(subjects: list[Json]) -> str:
    """One line for each template."""
    head = f"| template | {' | '.join(COLUMNS)} |\n|{' --- |' * (len(COLUMNS) + 1)}\n"
    return head + "".join(_line(subject) for subject in subjects)


def other_capabilities(subjects: list[Json]) -> str:
    """The remaining capabilities: each value with the templates that have it, the most frequent one without them."""
    names = sorted({name for subject in subjects for name in subject["capabilities"]} - set(COLUMNS.values()))
    return "".join(f"| `{name}` | {_values(name, subjects)} |\n" for name in names)


def findings(subjects: list[Json]) -> str:
    """One line for each check with findings: the templates and a summary of each."""
    listed: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for subject in subjects:
        for found in subject["findings"]:
            listed.setdefault((found["check"], found["severity"]), []).append((_name(subject), found["summary"]))
    return "".join(
        f"\n**`{check}`** ({severity})\n\n{_items(items)}" for (check, severity), items in sorted(listed.items())
    )


def rewrite(page: str, tables: dict[str, str]) -> str:
    """Puts each table between its marks, which are comments."""
    for name, text in tables.items():
        before, mark, rest = page.partition(f"<!-- {name} -->\n")
        assert mark, f"{PAGE} has no mark for {name}"
        page = f"{before}{mark}\n{text.strip()}\n\n<!-- end of {name} -->{rest.partition(f'<!-- end of {name} -->')[2]}"
    return page


def _line(subject: Json) -> str:
    values = (str(subject["capabilities"].get(name, "–")) for name in COLUMNS.values())
    return f"| {_name(subject)} | {' | '.join(_cell(SHORT.get(value, value)) for value in values)} |\n"


def _values(name: str, subjects: list[Json]) -> str:
    found: dict[str, list[str]] = {}
    for subject in subjects:
        found.setdefault(str(subject["capabilities"].get(name, "not asked")), []).append(_name(subject))
    most = max(found, key=lambda value: len(found[value]))
    others = [f"{SHORT.get(value, value)}: {', '.join(names)}" for value, names in found.items() if value != most]
    return _cell("; ".join([f"{SHORT.get(most, most)} ({len(found[most])})", *others]))


def _items(items: list[tuple[str, str]]) -> str:
    same: dict[str, list[str]] = {}
    for name, summary in items:
        same.setdefault(summary, []).append(name)
    return "".join(f"- {', '.join(names)}: {_cell(summary)}\n" for summary, names in same.items())


def _name(subject: Json) -> str:
    return Path(subject["subject"]["source"]).stem


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


def main(verdict: str) -> None:
    subjects = json.loads(Path(verdict).read_text(encoding="utf-8"))["subjects"]
    others = "| capability | values |\n| --- | --- |\n" + other_capabilities(subjects)
    tables = {"capabilities": capabilities(subjects), "findings": findings(subjects), "other capabilities": others}
    PAGE.write_text(rewrite(PAGE.read_text(encoding="utf-8"), tables), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
