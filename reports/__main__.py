"""`python -m reports`: rebuild, merge, compare and show reports.

Exit codes: 0 done; 1 `merge` gave a verdict that is not adopt, or `compare` or `upgrade` found regressions;
2 a wrong argument or file, runs that cannot be compared, or an environment that cannot be installed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from reports.directory import compare as comparison
from reports.directory import merge as merging
from reports.directory import report_directory
from reports.output import github, markdown, terminal
from reports.records import schema
from reports.redaction import redact, streams
from reports.upgrade import options
from reports.verdict import judge

ANSI = {"bold": "1", "light": "2", "red": "31", "green": "32", "yellow": "33", "purple": "35", "cyan": "36"}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command; a problem is reported in one sentence on standard error."""
    arguments = _parser().parse_args(argv)
    try:
        with streams.redacted_stdout():
            code = int(arguments.command(arguments))
            sys.stdout.flush()
            return code
    except BrokenPipeError:  # `show DIR | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except OSError as error:
        return _refuse(f"{error.filename or 'file'}: {error.strerror or error}")
    except ValueError as error:
        return _refuse(str(error))


def html(arguments: argparse.Namespace) -> int:
    """Writes verdict.json, report.html and report.md again from records.jsonl."""
    for directory in arguments.directory:
        records = report_directory.load(directory)
        report_directory.write(directory, records, report_directory.regressions(directory))
        print(directory / report_directory.HTML)
    return 0


def merge(arguments: argparse.Namespace) -> int:
    """Makes one report of the shards of a run; the exit code is that of the whole run."""
    shards = [report_directory.load(directory) for directory in arguments.directory]
    records = merging.merge(shards, force=arguments.force)
    writer = schema.Writer(arguments.output / report_directory.RECORDS)
    for record in merging.stream(records):
        writer.write(record)
    writer.close()
    verdict = report_directory.write(arguments.output, records)
    github.summarize(markdown.render(verdict))
    for subject in verdict["subjects"]:
        print(f"{subject['subject']['name']}: {subject['verdict']}")
    print(arguments.output / report_directory.HTML)
    return judge.exit_code(verdict)


def compare(arguments: argparse.Namespace) -> int:
    """Reports the changes from A to B."""
    changes = comparison.compare(arguments.before, arguments.after, allow=arguments.allow_mismatch)
    if arguments.output:
        records = report_directory.load(arguments.after)
        comparison.write(arguments.output, records, changes, before=str(arguments.before))
    for line in comparison.lines(changes):
        print(line)
    if arguments.output:
        print(arguments.output / report_directory.HTML)
    return comparison.exit_code(changes)


def upgrade(arguments: argparse.Namespace) -> int:
    """Runs the suites with two sets of versions and reports the changes between them."""
    from reports.upgrade import command

    return command.run(arguments)


def show(arguments: argparse.Namespace) -> int:
    """Prints the summary of a run."""
    records = report_directory.load(arguments.directory)
    verdict = judge.judge(records, report_directory.regressions(arguments.directory))
    for line, style in terminal.lines(records, verdict, arguments.directory):
        codes = ";".join(ANSI[name] for name, on in style.items() if on and name in ANSI)
        print(f"\x1b[{codes}m{line}\x1b[0m" if codes and sys.stdout.isatty() else line)
    return 0


def _refuse(problem: str) -> int:
    print(f"python -m reports: {redact.redacted(problem)}", file=sys.stderr)
    return 2


class _Parser(argparse.ArgumentParser):
    """A parser that redacts its errors, which repeat the command line."""

    def error(self, message: str) -> NoReturn:
        redact.read_environment()
        super().error(redact.redacted(message))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m reports", description="Rebuild, merge, compare and show reports.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(function: object, help: str) -> argparse.ArgumentParser:
        name = getattr(function, "__name__", "")
        sub = commands.add_parser(name, help=help, description=getattr(function, "__doc__", ""))
        sub.set_defaults(command=function)
        return sub

    sub = command(html, "rebuild the report of a directory, also of a killed run")
    sub.add_argument("directory", type=Path, nargs="+", metavar="DIR")
    sub = command(merge, "make one report of the shards of a run")
    sub.add_argument("directory", type=Path, nargs="+", metavar="DIR")
    sub.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="directory of the merged report")
    sub.add_argument("--force", action="store_true", help="merge runs of other devices, profiles or versions too")
    sub = command(compare, "report what became worse from A to B")
    sub.add_argument("before", type=Path, metavar="A", help="report directory or saved baseline")
    sub.add_argument("after", type=Path, metavar="B", help="report directory or saved baseline")
    sub.add_argument("--allow-mismatch", action="store_true", help="compare across devices, dtypes, profiles and seeds")
    sub.add_argument("-o", "--output", type=Path, metavar="OUT", help="write the report of B with the changes first")
    sub = command(upgrade, "report what other versions of the libraries change for models")
    options.add_to(sub)
    sub = command(show, "print the summary of a report directory")
    sub.add_argument("directory", type=Path, metavar="DIR")
    return parser


if __name__ == "__main__":
    sys.exit(main())
