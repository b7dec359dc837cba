"""The page around the view: template, style, content security policy."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports import wording
from reports.html import evidence, plot_legend, side_by_side
from reports.html.view import view
from reports.records.schema import Json, Trial

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent


def render(trial: Trial, verdict: Json, regressions: Sequence[Json] = ()) -> str:
    """The whole report as one HTML document that loads nothing; its script, which it can do without, is our own."""
    from markupsafe import Markup

    style, script = ((HERE / name).read_text(encoding="utf-8") for name in ("report.css", "report.js"))
    ours = {"style": Markup(style), "script": Markup(script), "csp": content_policy(style, script)}
    page = environment().get_template("report.html.j2")
    return page.render(
        view(trial, verdict, regressions), **ours, dashes=plot_legend.DASHES, markers=plot_legend.MARKERS
    )


def content_policy(style: str, script: str) -> str:
    """Only our own style and script, by their hashes; no request, no form."""
    styles, scripts = (base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in (style, script))
    ours = f"style-src 'sha256-{styles}'; script-src 'sha256-{scripts}'; img-src data:"
    return f"default-src 'none'; {ours}; base-uri 'none'; form-action 'none'"


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
        "block": evidence.block,
        "both_sides": side_by_side.both_sides,
        "traceback": evidence.traceback,
        "variant": wording.variant,
        "parameters": wording.parameters,
        "number": wording.number,
        "short": wording.short,
        "seconds": wording.seconds,
        "count": wording.count,
        "outcomes": wording.outcomes,
        "moment": wording.moment,
        "fact": wording.fact,
        "words": wording.words,
        "capital": wording.capital,
        "command": evidence.command,
        "name": evidence.name,
    }
    return jinja


def _finalize(value: Any) -> Any:
    """Every text that reaches the page has its invisible characters written out; `Markup` did that itself."""
    if value is None:
        return ""
    return wording.visible(value) if type(value) is str else value
