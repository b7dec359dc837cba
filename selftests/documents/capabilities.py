"""`docs/reference/capabilities.md`: capabilities and metrics by name, with phrases, values and checks.

`python -m selftests.documents.capabilities` writes the page.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from fixtures.session.options import SUITES
from reports.records import renamed
from reports.records.capabilities import PREFIXES
from reports.records.capability_table import TABLE
from reports.records.metric_table import METRICS
from selftests.documents.recorded import recorded

PAGE = SUITES.parent / "docs" / "reference" / "capabilities.md"
HEAD = """# Capabilities and metrics

A capability is a probed fact that is neither good nor bad: a chat template accepts a system message or not. A metric is
a number with unit, direction, sample size and interval. `verdict.json` lists both for each subject, and the report
shows capabilities by the titles below. Parts in braces, such as `{task}`, stand for several names.

- A manifest requires capabilities: `required_capabilities = ["chat.system_role", "chat.alternation=not required"]`. A
  name alone is met by `supported`, `yes`, `kept`, `kept in earlier turns` and `merged into the user message`.
- A policy bounds metrics: `metric = "quantization.kl_divergence"`, `max = 0.05`; `*` matches any characters.
- A comparison with a baseline reports capabilities that were lost, gained or changed, and metrics that moved beyond
  noise.

This page is written by `python -m selftests.documents.capabilities`; a selftest keeps it current.

## Names

The first part of a name stands for a suite:

"""
VALUES = """
Values that several capabilities of chat templates share:

| value | meaning |
| --- | --- |
| supported | the template renders it, and the prompt contains it |
| dropped | the template renders without an error, but the prompt does not contain it |
| rejected | the template raises an exception on purpose (`raise_exception`) |
| error | the template fails with an error of Jinja |
| not supported | the template has no such option |
| no tool calls | not probed, because the template does not show tool calls |
"""
OLD = """
## Old names

Manifests, policies, baselines and records of earlier versions may use these names; they are read as the current ones.

| old | current |
| --- | --- |
"""


def render() -> str:
    """Returns the page."""
    prefixes = "| first part | suite |\n| --- | --- |\n" + "".join(
        f"| `{prefix}.` | `suites/{suite}` |\n" for prefix, suite in PREFIXES.items()
    )
    parts = [HEAD, prefixes, VALUES, *(section for prefix in PREFIXES for section in _sections(prefix)), OLD, *_old()]
    return "".join(parts)


def _sections(prefix: str) -> Iterator[str]:
    capabilities = {name: each for name, each in TABLE.items() if name.startswith(f"{prefix}.")}
    metrics = {name: phrase for name, phrase in METRICS.items() if name.startswith(f"{prefix}.")}
    yield f"\n## {prefix}\n"
    if capabilities:
        yield "\n| capability | title | values | check |\n| --- | --- | --- | --- |\n"
        checks = _checks()
        for name, each in capabilities.items():
            yield f"| `{name}` | {each.phrase} | {each.values} | {checks[key(name)]} |\n"
    if metrics:
        yield "\n| metric | meaning |\n| --- | --- |\n"
        yield from (f"| `{name}` | {phrase} |\n" for name, phrase in metrics.items())


def key(name: str) -> str:
    """Returns a name of the tables with `*` for the parts in braces."""
    return re.sub(r"\{\w+\}", "*", name)


def _checks() -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for each in recorded():
        if each.kind == "capability":
            found.setdefault(each.name, []).extend(each.checks)
    return {name: ", ".join(f"`{check}`" for check in dict.fromkeys(checks)) for name, checks in found.items()}


def _old() -> Iterator[str]:
    for old, current in renamed.NAMES.items():
        yield f"| `{old}` | `{current}` |\n"
    yield "| `pipelines.{task}` | `pipelines.{task}.runs_through` |\n"
    for old, current in renamed.ENDINGS.items():
        yield f"| `pipelines.{{task}}.{old}` | `pipelines.{{task}}.{current}` |\n"
    yield "| `tokenizers.{metric}` | `tokenizer.{metric}` |\n"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(render(), encoding="utf-8")
