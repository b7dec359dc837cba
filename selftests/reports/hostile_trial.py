"""A trial whose every text is one hostile text, for the tests of the reports."""

from __future__ import annotations

import dataclasses

from reports.html import answers_and_tokens
from reports.records.run_records import RunRecords
from reports.records.schema import Check, End
from reports.records.to_json import Json
from selftests.reports import measured_trials, trials

ATTACKS = (
    "<script>document.title='owned'</script>",
    "</style><script>document.title='owned'</script>",
    "</title></textarea></pre><img src=x onerror=\"document.title='owned'\">",
    "\"'><svg/onload=document.title='owned'>",
    "javascript:document.title='owned'",
    "https://evil.example/\"onmouseover=\"document.title='owned'",
    "`<iframe srcdoc='<script>top.document.title=1</script>'>`",
    "{{ 7*7 }}{% for x in (1).__class__.__mro__ %}{% endfor %}",
    "<!-- --><base href=https://evil.example/><meta http-equiv=refresh content=0;url=https://evil.example/>",
    "<link rel=stylesheet href=https://evil.example/x.css><style>*{display:none}</style>",
    "\u202egnp.exe\u202c \u2066\u2069\u200b\u00ad\x00\x1b[31m\u0085\u2028\ud800\ufeff",
    "</svg><svg><script>document.title='owned'</script><a xlink:href=javascript:document.title='owned'>x</a>",
    "x' style=position:fixed;inset:0 onmouseover=document.title='owned' data-o='",
    "--></desc></title><img src=https://evil.example/x.png><!--",
    "#?q=x&outcome=<img src=x onerror=document.title='owned'>",
    "$\\frac{1}{2}$ \\input{/etc/passwd} $",
    "<form action=https://evil.example/><button>go</button><details open ontoggle=document.title='owned'>",
)


KEYS = {"render", "tasks", "more", "notes", "list", "expected", "actual", "tokens", "ids", "pieces", "picture", "use"}
"""Names of facts, options and evidence in it: a text that is one of them would make two entries one."""


def filled(text: str) -> tuple[RunRecords, list[Json]]:
    """A trial and baseline changes in which every text is `text`, wherever a model, a file or a user may write one."""
    where: Json = {"variant": {"dtype": text}, "parameters": {text: text}, "subject": text}
    notes: Json = {"summary": text, "evidence": _evidence(text), "reproduce": text}
    proof = {text: {"value": text, "evidence": text}}
    metric = trials.metric(text, unit=text, better=text)
    checks = [
        trials.check(f"{text}/{text}", outcome, capabilities=proof, metrics=[metric], details=text, **where, **notes)
        for outcome in ("defect", "hazard", "unsupported", "error", "pass")
    ]
    checks += [_measured(text, quantization) for quantization in ("none", text)]
    checks.append(_measured(text, text, check="pipelines/" + text, parameters={"task": text}, outcome="hazard"))
    subjects = [
        trials.subject(
            text,
            revision=text,
            fingerprint=text,
            architecture=text,
            facts={text: text, "tasks": [text], "more": {text: text}, "notes": [text]},
            problems=[{"file": text, "summary": text, "fix": text}],
            accepted={f"{text}/{text}": text},
        )
    ]
    table = {text: text}
    trial = trials.trial(*checks, subjects=subjects, command=text, versions=table, environment=table, options=table)
    trial.end = End(text, 0)
    trial.run = dataclasses.replace(trial.run, profile=text, device=text, started=text)
    trial.catalog = {f"{text}/{text}": dict.fromkeys(("promise", "why", "fix", "source"), text)}
    trial.plan.append({"check": text, "subject": text, "variant": {}, "parameters": {}})
    change = {"kind": text, "check": text, "subject": text, "summary": text, "before": table, "after": [text]}
    other = change | {"before": {"render": f"{text}a", text: text}, "after": {"render": f"{text}b", text: [text]}}
    return trial, [change, other]


def _evidence(text: str) -> Json:
    """Printed, compared, in strips and in a picture."""
    printed = {text: text, "list": [text, {text: [text]}]}
    drawn = {"expected": f"{text}a", "actual": f"{text}b", "tokens": [text, "b"], "ids": [1, 2]}
    return printed | drawn | {"picture": measured_trials.picture()}


def _measured(
    text: str, quantization: str, check: str = "quantization/x", outcome: str = "pass", **fields: Json
) -> Check:
    """A check with plots, metrics of variants, costs by language and answers."""
    names = (text, "quantization.kl_divergence", "quantization.memory_footprint", f"tokenizer.tokens_per_word.{text}")
    plots = [
        measured_trials.series(text, kind, [[text if kind == "bar" else 1, 2, 1, 3]], text, text)
        for kind in ("line", "bar", "points")
    ]
    answers = {text: {"answer": text, "signs": [text]}}
    return trials.check(
        check,
        outcome,
        subject=text,
        variant={"quantization": quantization},
        metrics=[trials.metric(name, unit=text) for name in names],
        series=plots,
        capabilities={answers_and_tokens.ANSWERS: {"value": text, "evidence": answers}},
        **fields,
    )
