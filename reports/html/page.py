"""The page around the view: template, style, content security policy."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports import text
from reports.html import evidence
from reports.html.view import view
from reports.records import Json, Trial

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent


def render(trial: Trial, verdict: Json, regressions: Sequence[Json] = ()) -> str:
    """The whole report as one HTML document that loads nothing and runs nothing."""
    from markupsafe import Markup

    style = (HERE / "report.css").read_text(encoding="utf-8")
    page = environment().get_template("report.html.j2")
    return page.render(view(trial, verdict, regressions), style=Markup(style), csp=content_policy(style))


def content_policy(style: str) -> str:
    """Only our own style, by its hash; no script, no request, no form."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"


@functools.cache
def environment() -> Environment:
    """Jinja with escaping for every value, whatever the template forgets."""
    from jinja2 import Environment, FileSystemLoader

    jinja = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    jinja.filters |= {
        "prose": evidence.prose,
        "evidence": evidence.show,
        "traceback": evidence.traceback,
        "variant": text.variant,
        "parameters": text.parameters,
        "number": text.number,
        "seconds": text.seconds,
        "count": text.count,
        "outcomes": text.outcomes,
        "moment": text.moment,
        "fact": text.fact,
        "words": text.words,
        "capital": text.capital,
        "command": evidence.command,
    }
    return jinja


def _finalize(value: Any) -> Any:
    """Every text that reaches the page has its invisible characters written out; `Markup` did that itself."""
    if value is None:
        return ""
    return text.visible(value) if type(value) is str else value
