from __future__ import annotations

import re
from typing import Any

from fixtures.sandbox.inspection import Inspection
from fixtures.sandbox.syntax import DUNDER, INTERNALS
from fixtures.session.uses import uses
from fixtures.templates.chat import Chat
from suites.chat_templates.template_names import inspections, lines
from suites.findings import Defect

REMEDY = (
    "Do not use the template, nor the files next to it; take it from the model's publisher, and render unknown "
    "templates only in jinja2's ImmutableSandboxedEnvironment, as transformers does."
)


@uses("loading", "serving")
def test_no_escape(chat: Chat) -> None:
    """The template reads only its variables: no Python internals, no files, no other templates.

    Why: servers that render templates without a sandbox execute such code with their own rights; in a sandbox the
        request fails. No chat template needs such access.
    Fix: Take the template from the model's publisher, and report the copy.
    Source: https://github.com/mitre/secure-coding-case-studies/issues/74 (CVE-2024-34359, llama-cpp-python);
        https://github.com/sgl-project/sglang/pull/23660 (CVE-2026-5760)
    """
    for name, found in inspections(chat).items():
        for find in (internals, hidden_names, files, other_templates, outside_access):
            if summary := find(found):
                raise Defect(f"{name} {summary}.", evidence=evidence(found), fix=REMEDY)


def evidence(found: Inspection) -> dict[str, Any]:
    keys = ("internals", "computed_attributes", "file_calls", "other_files")
    written = {key: found.facts[key] for key in keys if found.facts.get(key)}
    return written | {"refused by the sandbox": denied(found), "reached": found.outside_access}


def internals(found: Inspection) -> str | None:
    """Access to attributes that lead from any object to Python's modules, in the source or when rendering."""
    written = found.facts.get("internals", [])
    if written:
        names = ", ".join(dict.fromkeys(name for name, _ in written))
        return f"accesses Python's internals, {names} ({lines([line for _, line in written])})"
    used = [name for name in denied(found) if DUNDER.search(name) or name in INTERNALS]
    return f"accesses Python's internals under computed names, {', '.join(used)}" if used else None


def hidden_names(found: Inspection) -> str | None:
    where = [line for (line,) in found.facts.get("computed_attributes", [])]
    return f"looks up an attribute with a computed name by |attr ({lines(where)})" if where else None


def files(found: Inspection) -> str | None:
    calls = found.facts.get("file_calls", [])
    names = ", ".join(dict.fromkeys(f"{name}()" for name, _ in calls))
    return f"calls {names}, which accesses files or programs ({lines([line for _, line in calls])})" if calls else None


def other_templates(found: Inspection) -> str | None:
    asked = found.facts.get("other_files", [])
    names = ", ".join(dict.fromkeys(f"{{% {word} %}}" for word, _ in asked))
    return f"loads another file with {names} ({lines([line for _, line in asked])})" if asked else None


def outside_access(found: Inspection) -> str | None:
    """Access outside of the template language that the audit of the sandbox recorded."""
    return f"left the template language and tried {found.outside_access[0]}" if found.outside_access else None


def denied(found: Inspection) -> list[str]:
    """Attributes that the sandbox refused, including harmless ones such as a list's append."""
    names = [name for _, end in found.renders for name in end.get("denied", [])]
    names += [
        match
        for _, end in found.renders
        for match in re.findall(r"attribute '(\w+)'", end.get("failed", ""))
        if end["failed"].startswith("SecurityError")
    ]
    return sorted(set(names))
