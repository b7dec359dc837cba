"""Comparison of named sets that a check recorded, such as sequences or observations, with those of an earlier run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from reports.records.to_json import Json

NOTE, INCOMPARABLE = "note", "not comparable"
"""Kinds of a change."""

Change = tuple[str, str, Json, Json]
"""Kind, summary, before and after."""


def compare_sets(
    old: Mapping[str, Json], new: Mapping[str, Json], compare: Callable[[str, Json, Json], Iterator[Change]]
) -> Iterator[Change]:
    """Yields the changes between two records of sets by name.

    Args:
        compare: compares two sets of one name and version.
    """
    for name, now in new.items():
        if name not in old:
            summary = f"{name}: the baseline holds none to compare with; save it again with --save-baseline."
            yield NOTE, summary, {}, {"version": now["version"]}
        elif (was := old[name])["version"] != now["version"]:
            summary = f"Not comparable: {name} are of version {was['version']} in the baseline, {now['version']} now."
            yield INCOMPARABLE, summary, {"version": was["version"]}, {"version": now["version"]}
        else:
            yield from compare(name, was, now)
    for name in old.keys() - new.keys():
        yield "disappeared", f"{name} were recorded before and not now.", {"version": old[name]["version"]}, {}
