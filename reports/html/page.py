"""The page: template, style sheet, script, content security policy."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports import wording
from reports.html import plot_legend, side_by_side, values
from reports.html.view import view
from reports.records.capabilities import metric_phrase
from reports.records.outcomes import OUTCOMES, counted
from reports.records.run_records import RunRecords
from reports.records.to_json import Json
from reports.verdict.judge import TONES

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).parent


def render(records: RunRecords, verdict: Json, regressions: Sequence[Json] = ()) -> str:
    """The whole report as one HTML document that loads nothing and is readable without its script."""
    from markupsafe import Markup

    style, script = (HERE / "report.css").read_text(encoding="utf-8"), (HERE / "report.js").read_text(encoding="utf-8")
    style += outcome_rules()
    own = {"style": Markup(style), "script": Markup(script), "csp": content_policy(style, script)}
    legend = {"dashes": plot_legend.DASHES, "markers": plot_legend.MARKERS}
    page = environment().get_template("report.html.j2")
    return page.render(view(records, verdict, regressions), outcomes=OUTCOMES, tones=TONES, **own, **legend)


def outcome_rules() -> str:
    """Style rules for the colour and the sign of each outcome."""
    return "".join(
        f".o-{name} {{ --tone: var(--{outcome.tone}); }}\n"
        f'.o-{name}::before {{ content: "{outcome.sign}"; content: "{outcome.sign}" / ""; }}\n'
        for name, outcome in OUTCOMES.items()
    )


def content_policy(style: str, script: str) -> str:
    """Allows only our own style and script, by their hashes; no request, no form."""
    styles, scripts = (base64.b64encode(hashlib.sha256(part.encode()).digest()).decode() for part in (style, script))
    ours = f"style-src 'sha256-{styles}'; script-src 'sha256-{scripts}'; img-src data:"
    return f"default-src 'none'; {ours}; base-uri 'none'; form-action 'none'"


@functools.cache
def environment() -> Environment:
    """Jinja with escaping for every value."""
    from jinja2 import Environment, FileSystemLoader

    jinja = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    jinja.filters |= {
        "prose": values.prose,
        "evidence": values.show,
        "block": values.block,
        "both_sides": side_by_side.both_sides,
        "traceback": values.traceback,
        "variant": wording.variant,
        "parameters": wording.parameters,
        "number": wording.number,
        "short": wording.short,
        "seconds": wording.seconds,
        "count": wording.count,
        "outcomes": counted,
        "metric_phrase": metric_phrase,
        "moment": wording.moment,
        "fact": wording.fact,
        "words": wording.words,
        "capital": wording.capital,
        "command": values.command,
        "name": values.name,
    }
    return jinja


def _finalize(value: Any) -> Any:
    """Writes out invisible characters of every text; functions that return `Markup` do it themselves."""
    if value is None:
        return ""
    return wording.visible(value) if type(value) is str else value
