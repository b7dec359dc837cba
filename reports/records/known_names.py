"""Refusal of names that a policy or manifest spells wrong: a rule about nothing would change nothing, silently."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from reports.records import renamed
from reports.records.capabilities import is_capability, is_metric
from reports.records.capability_table import TABLE
from reports.records.metric_table import METRICS
from reports.records.policy import Policy
from reports.records.uses import USES, is_use

ELSEWHERE = "elsewhere/"
"""Beginning of the ids of tests outside the suites, which are not known before they are collected."""
CLOSE = 0.75
"""Similarity of texts, from 0 to 1, from which on one is suggested for the other: names here share long parts."""
CLOSE_SHORT, SHORT = 0.6, 4
"""The same for names up to this length, of which one wrong letter is much."""
MEANT = {"gpu": "cuda"}
"""Other words for known names."""


@dataclass(frozen=True)
class Names:
    """Names that this package does not know by itself."""

    checks: Iterable[str]
    suites: Iterable[str]
    schemes: Iterable[str]
    """Quantization schemes."""
    devices: Iterable[str]
    tasks: Iterable[str]
    subjects: Iterable[str] = ()
    """Names of the manifest's subjects; empty if the policy is not of that manifest."""


def unknown_in_policy(policy: Policy, key: str, names: Names) -> Iterator[str]:
    """Yields a sentence for each unknown name of a policy; `key` is where its table is in the file."""
    at = f"{key}." if key else ""
    checks = [check for check in policy.severity if not check.startswith(ELSEWHERE)]
    yield from _unknown_of(f"{at}severity", "check", checks, names.checks)
    yield from _unknown_of(f"{at}required", "suite", policy.required or (), names.suites)
    for number, bound in enumerate(policy.bounds):
        where = f"{at}bounds.{number}"
        if not is_metric(bound.metric):
            yield _unknown(f"{where}.metric", "metric", bound.metric, METRICS)
        devices = tuple(device.partition(":")[0] for device in bound.device)
        yield from _unknown_of(f"{where}.quantization", "scheme", bound.quantization, names.schemes)
        yield from _unknown_of(f"{where}.device", "device", devices, names.devices)
        yield from _unknown_of(f"{where}.subject", "subject", bound.subject, names.subjects or bound.subject)


def unknown_capabilities(required: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """Yields a sentence for each unknown capability; `required` has the keys of a manifest with their values."""
    for key, entries in required.items():
        for entry in entries:
            name = renamed.required(entry).partition("=")[0]
            if not is_capability(name):
                yield _unknown(key, "capability", name, TABLE)


def unknown_uses(key: str, uses: Iterable[str], tasks: Iterable[str]) -> Iterator[str]:
    """Yields a sentence for each use that is neither of the table nor of a pipeline task."""
    known = [*USES, *(f"task:{task}" for task in tasks)]
    for use in uses:
        if not is_use(use) or (":" in use and use not in known):
            yield _unknown(key, "use", use, known)


def _unknown_of(where: str, thing: str, used: Iterable[str], known: Iterable[str]) -> Iterator[str]:
    return (_unknown(where, thing, name, known) for name in used if name not in known)


def _unknown(where: str, thing: str, name: str, known: Iterable[str]) -> str:
    close = _nearest(name, known)
    hint = f" Did you mean {' or '.join(repr(each) for each in close)}?" if close else ""
    return f"{where}: there is no {thing} '{name}'.{hint}"


def _nearest(name: str, known: Iterable[str]) -> list[str]:
    """The known names that are spelt like it, or whose last part is."""
    known = list(known)
    if MEANT.get(name) in known:
        return [MEANT[name]]
    close = CLOSE_SHORT if len(name) <= SHORT else CLOSE
    last = {each.rpartition("/" if "/" in each else ".")[2]: each for each in known}
    found = difflib.get_close_matches(name, known, n=2, cutoff=close)
    return found or [last[each] for each in difflib.get_close_matches(name, last, n=2, cutoff=close)]
