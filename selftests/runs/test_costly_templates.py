"""A whole trial over a chat template that exceeds the limits of the sandbox ends soon: nothing else renders it."""

from __future__ import annotations

from pathlib import Path

import pytest

from selftests.gallery.harness import copy
from selftests.gallery.registry import CHAT
from selftests.processes.pytest_run import QUIET, run_pytest

HISTORY = "{%- for m in messages -%}{{ '<|' + m.role + '|>' + m.content }}{%- endfor -%}"
COSTLY = {
    "endless": "{%- for a in range(99999) -%}" * 3 + "{%- endfor -%}" * 3,
    "exploding": "{%- for a in range(99999) -%}{{ 'x' * 1000 }}{%- endfor -%}",
    "memory-hungry": "{%- set big = 'x' * (2 ** 31) -%}{{ big|length }}",
}


@pytest.mark.parametrize("kind", COSTLY)
def test_no_suite_renders_a_costly_template(kind: str, tmp_path: Path) -> None:
    model = copy(CHAT, tmp_path / kind)
    (model / "chat_template.jinja").write_text(HISTORY + COSTLY[kind], encoding="utf-8")
    done = run_pytest(*QUIET, f"--model={model}", "--timeout=60", report=tmp_path / "report")
    subject = done.subject(kind)
    assert subject["counts"]["error"] == 0, done.output[-4000:]
    assert "chat_templates/bounded" in {finding["check"] for finding in subject["findings"]}
