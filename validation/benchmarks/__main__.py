"""``python -m validation.benchmarks [NAME …] [--json F]``: a table of ratios, ``{work, peer, ratio, goal}`` in JSON."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from validation.benchmarks import imports

BENCHMARKS = {"imports": imports.rows}


def main() -> int:
    """Run the named benchmarks, all by default."""
    parser = argparse.ArgumentParser(prog="python -m validation.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(BENCHMARKS)}")
    parser.add_argument("--json", metavar="F", help="write the rows as JSON")
    options = parser.parse_args()
    unknown = [name for name in options.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    rows = [row for name in options.names or BENCHMARKS for row in BENCHMARKS[name]()]
    table = Table(box=None, pad_edge=False)
    for column in ("work", "peer", "ratio", "seconds", "goal"):
        table.add_column(column)
    for row in rows:
        table.add_row(
            str(row["work"]), str(row["peer"]), f"{row['ratio']:.2f}", f"{row['seconds']:.3f}", str(row["goal"])
        )
    Console().print(table)
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
