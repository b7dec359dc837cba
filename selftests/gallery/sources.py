"""Sources of rows as links in Markdown."""

from __future__ import annotations

import re

ADDRESS = r"https://(?P<address>[^\s,;]+)"
REPOSITORY = r"[\w.-]+/[\w.-]+"
ISSUE = rf"(?P<repository>{REPOSITORY})?#(?P<issue>\d+)"
PAPER = r"arXiv:(?P<paper>\d+\.\d+)"
VULNERABILITY = r"(?P<vulnerability>CVE-\d+-\d+)"
MODEL = rf"(?P<model>{REPOSITORY})(?='s template)"
SITE = r"(?P<site>(?:[\w-]+\.)+(?:ai|com)\b[\w./-]*)"
CODE = rf"(?:^|(?<=, ))(?P<code>{REPOSITORY})"
SOURCE = re.compile("|".join((ADDRESS, ISSUE, PAPER, VULNERABILITY, MODEL, SITE, CODE)))


def linked(source: str) -> str:
    """The text of a source, with a link for each issue, paper, vulnerability, model, repository and address."""
    repository = ""

    def link(found: re.Match[str]) -> str:
        nonlocal repository
        repository = found["repository"] or repository
        return f"[{found[0].removeprefix('https://')}]({_address(found, repository)})"

    return SOURCE.sub(link, source)


def _address(found: re.Match[str], repository: str) -> str:
    if found["issue"]:
        return f"https://github.com/{repository}/issues/{found['issue']}"
    if found["paper"]:
        return f"https://arxiv.org/abs/{found['paper']}"
    if found["vulnerability"]:
        return f"https://www.cve.org/CVERecord?id={found['vulnerability']}"
    if found["model"]:
        return f"https://huggingface.co/{found['model']}"
    if found["code"]:
        return f"https://github.com/{found['code']}"
    return f"https://{found['address'] or found['site']}"
