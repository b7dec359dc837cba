"""`docs/reference/records.md`: the fields of each kind of record, from the docstrings of `reports.records.schema`."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from collections.abc import Iterable, Iterator
from typing import Any

from reports.records import observations, outcomes, schema, sequences, series
from reports.records.validation import json_name

PAGE = """# Records

`records.jsonl` in the report directory has one JSON object per line, in this order: `run`, one `subject` for each
subject, `catalog`, `plan`, one `check` for each executed check, `end`. Each has its `kind`. A line is written
and flushed as soon as its check ends; a killed run lacks `end`, and its last line may be cut. A baseline holds the same
kinds. A check record is identified by `check`, `subject`, `variant` and `parameters` together. Fields without a default
are required, unknown fields are ignored. """
TYPES = (("Json", "object"), ("dict", "object"), ("list", "list"), ("str", "text"), ("int", "integer"),
         ("float", "number"), ("bool", "true or false"), ("None", "null"))  # fmt: skip
PARTS = {"sequences": sequences, "series": series, "observations": observations}
"""Entries of fields of a check record, and the modules that describe them."""


def page(note: str) -> str:
    """The text of the page; `note` says how it is generated."""
    parts = [PAGE, note]
    parts += [_section(f"`{kind}`", record) for kind, record in schema.KINDS.items()]
    parts.append(_section("Entries of `metrics`", schema.Metric))
    parts += [f"\n## Entries of `{name}`\n\n{_paragraphs(module)}\n" for name, module in PARTS.items()]
    return "".join(parts)


def _section(title: str, record: type) -> str:
    lines = [
        f"\n## {title}\n\n{_paragraphs(record)}\n",
        "| field | type | default | meaning |",
        "| --- | --- | --- | --- |",
    ]
    return "\n".join([*lines, *_rows(record)]) + "\n"


def _rows(record: type) -> Iterator[str]:
    documented = dict(_documented(record))
    for each in dataclasses.fields(record):
        meaning = documented.get(each.name, "").replace("|", "\\|")
        yield f"| `{json_name(each)}` | {_type(str(each.type))} | {_default(each)} | {meaning} |"


def _documented(record: type) -> Iterator[tuple[str, str]]:
    """Name and docstring of each field that has one."""
    body = ast.parse(inspect.getsource(record)).body[0]
    assert isinstance(body, ast.ClassDef)
    for field, text in zip(body.body, body.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            assert isinstance(field.target, ast.Name)
            yield field.target.id, _without_roles(" ".join(str(text.value.value).split()))


def _type(annotation: str) -> str:
    """An annotation in the words of JSON: `dict[str, str] | None` is an object of texts, or null."""
    for python, json in TYPES:
        annotation = re.sub(rf"\b{python}\b", json, annotation)
    annotation = re.sub(r"object\[text, (\w+)\]", r"object of \1s", annotation)
    annotation = re.sub(r"object\[text, object of", "object of objects of", annotation)
    return re.sub(r"list\[(\w+)\]", r"list of \1s", annotation).replace(" | ", " or ").replace("]", "")


def _default(field: dataclasses.Field[Any]) -> str:
    if field.default_factory is not dataclasses.MISSING:
        return f"`{field.default_factory()}`"
    texts = {None: "null", "": "empty", True: "true", False: "false"}
    if field.default is dataclasses.MISSING:
        return "–"
    return texts.get(field.default, f"`{field.default}`") if not _is_number(field.default) else f"{field.default}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _paragraphs(documented: Any) -> str:
    return _without_roles(inspect.getdoc(documented) or "")


def _without_roles(text: str) -> str:
    """References to the code, in the words of the page."""
    text = re.sub(r"See `reports\.records\.(sequences|series|observations)`", r"See 'Entries of `\1`'", text)
    text = text.replace("`reports.records.policy.Policy`", "[manifest and policy](manifest.md)")
    text = text.replace("`outcomes.CAUSES`", _listed(outcomes.CAUSES)).replace("OUTCOMES", _listed(outcomes.OUTCOMES))
    text = text.replace("one of KINDS", f"one of {_listed(observations.KINDS)}")
    text = text.replace("the page about the verdict", "[exit status](verdict.md)")
    return text.replace("Each the fields of `Metric`", "See 'Entries of `metrics`'")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
