"""The options of the upgrade check."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_to(parser: argparse.ArgumentParser) -> None:
    """Declares the options; others go to pytest on both sides."""
    add = parser.add_argument
    add("--from", dest="before", nargs="+", required=True, metavar="PIN", help="name==version, several at once")
    add("--to", dest="after", nargs="+", required=True, metavar="PIN", help="name==version, several at once")
    add("--model", action="append", default=[], metavar="SOURCE", help="as in pytest; repeatable (default: the fleet)")
    add("-o", "--output", type=Path, metavar="OUT", help="directory of the report (default: reports/runs/...)")
    add("--timings", type=int, default=0, metavar="N", help="pairs of processes that time both sides (default: none)")
    add("--keep", action="store_true", help="compare the two runs in OUT of an earlier check again, and run nothing")
    add("pytest", nargs="*", metavar="-- OPTION", help="options of pytest for both sides, after --")
