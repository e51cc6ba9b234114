"""The command line: ``refscore check | list | explain | demo``."""

from __future__ import annotations

import argparse
import io
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

import refscore
from refscore.conformance.checking import check
from refscore.conformance.expected import apply_expected, read_expected
from refscore.conformance.loading import TargetError
from refscore.conformance.reports import print_report, to_html, to_json, to_junit
from refscore.conformance.reports.catalogue import explain, list_capabilities
from refscore.conformance.reports.terminal import console
from refscore.conformance.results import Report
from refscore.conformance.runner import Begun, Event, Selection
from refscore.examples.demo import demo

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    arguments : sequence of str, optional
        As on the command line.

    Returns
    -------
    int
        0 everything offered conforms; 1 a check fails or an expected failure passes; 2 the adapter or the call is
        wrong; 3 only inconclusive; 4 fewer checks ran than were planned.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without Greek letters still gets its report
    options = _parser().parse_args(arguments)
    out = console()
    try:
        return int(options.run(options, out))
    except TargetError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; nothing was written", file=sys.stderr)
        return 4
    except BrokenPipeError:  # the reader of the pipe, `head` perhaps, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="refscore", description="The exact oracle of score matching and score-based generative models."
    )
    parser.add_argument("--version", action="version", version=f"refscore {refscore.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    command = commands.add_parser(
        "check",
        help="check an implementation through its adapter",
        epilog="exit: 0 everything offered conforms; 1 a check fails or an expected failure passes; 2 the adapter or "
        "the call is wrong; 3 only inconclusive; 4 fewer checks ran than were planned",
    )
    command.add_argument("target", metavar="TARGET", help="a file, module or module:attribute")
    command.add_argument("--only", action="append", default=[], metavar="GLOB", help="capabilities or checks")
    command.add_argument("--json", metavar="F", help="write the report as JSON (- for standard output)")
    command.add_argument("--html", metavar="F", help="write the report as one HTML file")
    command.add_argument("--junit", metavar="F", help="write the report as JUnit XML")
    command.add_argument("--expected-failures", metavar="F.toml", help="checks that are known to fail, with reasons")
    command.add_argument("--profile", choices=("quick", "full"), default="quick", help="how much is checked")
    command.add_argument("--seed", type=_seed, default=0, metavar="N", help="seed of statistical checks (default 0)")
    command.add_argument(
        "--time-limit", type=_seconds, default=60.0, metavar="S", help="seconds for one check (default 60)"
    )
    command.set_defaults(run=_check)

    command = commands.add_parser("list", help="all capabilities, one a line")
    command.add_argument("glob", nargs="?", default="*", metavar="GLOB", help="only these")
    command.set_defaults(run=lambda options, out: list_capabilities(options.glob, out))

    command = commands.add_parser("explain", help="formula, signature, conventions and known faults of a capability")
    command.add_argument("capability", metavar="CAPABILITY")
    command.set_defaults(run=lambda options, out: explain(options.capability, out))

    command = commands.add_parser("demo", help="check the bundled examples, right and wrong")
    command.add_argument("--html", metavar="F", help="write the report of the wrong examples as one HTML file")
    command.set_defaults(run=_demo)
    return parser


def _check(options: argparse.Namespace, out: Console) -> int:
    files = {to_json: options.json, to_html: options.html, to_junit: options.junit}
    for path in filter(None, files.values()):
        if path != "-" and not Path(path).resolve().parent.is_dir():
            raise TargetError(f"{path}: its folder does not exist")
    expected = read_expected(options.expected_failures) if options.expected_failures else []
    report = _watched(options.target, Selection(tuple(options.only), options.profile, options.seed), options.time_limit)
    if not report.planned:
        wanted = ", ".join(options.only)
        raise TargetError(f"{options.target}: --only {wanted} selects none of the offered checks  (refscore list)")
    report = apply_expected(report, expected, strict=not options.only)
    piped = options.json == "-"
    print_report(report, Console(stderr=True, highlight=False) if piped else out)
    for render, path in files.items():
        if path == "-":
            sys.stdout.write(render(report))
        elif path:
            _write(Path(path), render(report))
    return report.exit_code


def _watched(target: str, selection: Selection, time_limit: float) -> Report:
    """A checked target, with progress on a terminal and silence in a pipe."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
    with bar:
        task = bar.add_task(f"loading {target}", total=None)

        def watch(done: int, planned: int, event: Event) -> None:
            if isinstance(event, Begun):
                bar.update(task, description=event.check)
            bar.update(task, completed=done, total=planned)

        return check(target, selection, time_limit=time_limit, watch=watch)


def _write(path: Path, text: str) -> None:
    """All or nothing: a reader never finds half a report."""
    with tempfile.NamedTemporaryFile("w", dir=path.resolve().parent, delete=False, encoding="utf-8") as file:
        file.write(text)
    os.chmod(file.name, 0o644)
    os.replace(file.name, path)


def _demo(options: argparse.Namespace, out: Console) -> int:
    code, report = demo(lambda target: _watched(target, Selection(), 60.0), out)
    if options.html:
        _write(Path(options.html), to_html(report))
    return code


def _seconds(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number of seconds")
    return value


def _seed(text: str) -> int:
    value = int(text)
    if not 0 <= value < 2**64:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 2**64 - 1")
    return value
