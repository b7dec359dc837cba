from __future__ import annotations

from typing import Any

from fixtures.sandbox.inspection import LIMITS, Inspection
from fixtures.session.uses import uses
from fixtures.templates.chat import Chat
from suites.chat_templates.template_names import inspections, lines
from suites.findings import Defect

COSTLY = (
    "range()",
    "lipsum()",
    "|center",
    "|format",
    "|indent",
    "|wordwrap",
    ".center()",
    ".ljust()",
    ".rjust()",
)
REMEDY = {
    "recursion": "End the recursion of the macro; limit the renderer where the template is served.",
    "time": "Loop over messages and tools only, never over a number; limit the renderer where the template is served.",
    "memory": "Do not multiply texts or lists; limit the renderer where the template is served.",
    "output": "Print messages and tools only; limit the renderer where the template is served.",
}


@uses("chat", "serving")
def test_bounded(chat: Chat) -> None:
    """The template renders within a second, half a gigabyte of memory and two million characters.

    Why: templates run in the server's process on every request; one that does not end, or needs too much memory, stops
        the server for all users, and Jinja's sandbox has no such limits.
    Fix: Loop over messages and tools only, and limit the renderer where unknown templates are served.
    Source: https://jinja.palletsprojects.com/en/stable/sandbox/ (Security Considerations);
        https://github.com/vllm-project/vllm/issues/52025; https://github.com/pallets/jinja/issues/161
    """
    for name, found in inspections(chat).items():
        if found.exceeded_limit:
            summary = f"{name} exceeds a limit {circumstances(found)}."
            raise Defect(summary, evidence=evidence(found), fix=REMEDY[found.exceeded_limit])


def circumstances(found: Inspection) -> str:
    assert found.exceeded_limit
    conversation = next((shape for shape, end in found.renders if "limit" in end), "a conversation of another check")
    return f"on {conversation}: {LIMITS[found.exceeded_limit]}{where(found)}"


def where(found: Inspection) -> str:
    """The costly constructs of the template with their lines, in brackets."""
    used: dict[str, list[int]] = found.facts.get("constructs", {})
    costly = [f"{name} in {lines(used[name])}" for name in COSTLY if name in used]
    recursive = [f"macro {name} in line {line}" for name, line in found.facts.get("recursive", [])]
    products = [f"a product in {lines(found.facts['products'])}"] if found.facts.get("products") else []
    names = recursive if found.exceeded_limit == "recursion" else [*costly, *products, *recursive]
    return f" ({', '.join(names)})" if names else ""


def evidence(found: Inspection) -> dict[str, Any]:
    return {
        "limit": found.exceeded_limit,
        "renders": {shape: short(end) for shape, end in found.renders},
        "constructs": {name: used for name, used in found.facts.get("constructs", {}).items() if name in COSTLY},
    }


def short(end: dict[str, Any]) -> str:
    """Result of a render without its text."""
    if "text" in end:
        return f"{len(end['text'])} characters"
    return next(f"{kind}: {end[kind]}" for kind in ("limit", "refused", "failed") if kind in end)
