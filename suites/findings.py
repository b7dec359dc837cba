"""What a check says when a promise is broken: severity and message travel in the exception."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class Finding(AssertionError):
    """A broken promise.

    `summary` is one sentence that names the cause; `evidence` holds JSON values that show it;
    `remedy` overrides the `Fix:` section of the check's docstring where the cause is known better.
    The reporting room reads `outcome`, `summary`, `evidence` and `remedy` and imports nothing from here.
    """

    outcome: ClassVar[str]

    def __init__(self, summary: str, *, evidence: Mapping[str, Any] | None = None, remedy: str | None = None):
        super().__init__(summary)
        self.summary = summary
        self.evidence = dict(evidence or {})
        self.remedy = remedy


class Defect(Finding):
    """The subject silently gives wrong results, or breaks what it declares."""

    outcome = "defect"


class Hazard(Finding):
    """It works here, but a common use of it goes wrong."""

    outcome = "hazard"


class Unsupported(Finding):
    """The check applies but could not run here; the summary is the reason."""

    outcome = "unsupported"
