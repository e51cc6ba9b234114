"""``refscore list`` and ``refscore explain``: what can be offered, and everything about one capability."""

from __future__ import annotations

import difflib
from fnmatch import fnmatchcase

from rich.console import Console
from rich.table import Table
from rich.text import Text

from refscore.conformance.capabilities import CATALOGUE
from refscore.conformance.loading import TargetError
from refscore.conformance.reports.documented import documented, names, print_documented
from refscore.conformance.reports.terminal import print_table

__all__ = ["explain", "list_capabilities"]


def list_capabilities(glob: str, out: Console) -> int:
    """Print every capability: name, signature, number of known faults.

    Parameters
    ----------
    glob : str
        Which names.
    out : Console
        Where to.

    Returns
    -------
    int
        Exit code.

    Raises
    ------
    TargetError
        If no name matches.
    """
    found = [capability for name, capability in CATALOGUE.items() if fnmatchcase(name, glob)]
    if not found:
        raise TargetError(f'no capability matches "{glob}"')
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("capability", no_wrap=True)
    table.add_column("faults", justify="right")
    table.add_column("what it is", overflow="fold")
    for capability in found:
        table.add_row(capability.name, str(len(capability.faults)), Text(capability.title))
    print_table(table, out)
    faults = sum(len(capability.faults) for capability in found)
    out.print(Text(f"\n{len(found)} capabilities, {faults} known faults · refscore explain CAPABILITY"))
    return 0


def explain(name: str, out: Console) -> int:
    """Print everything about a capability.

    Parameters
    ----------
    name : str
        The capability.
    out : Console
        Where to.

    Returns
    -------
    int
        Exit code.

    Raises
    ------
    TargetError
        If there is no such capability.
    """
    capability = CATALOGUE.get(name)
    if capability is None:
        found = documented(name)
        if found is not None:
            print_documented(found, out)
            return 0
        close = difflib.get_close_matches(name, [*CATALOGUE, *names()], n=1)
        hint = f' Did you mean "{close[0]}"?' if close else ""
        raise TargetError(f'"{name}" is no capability.{hint}  (refscore list)')
    _ends(capability.title, capability.source, out)
    _ends(f"  {capability.formula}", f"({capability.label})", out)
    lines = [("offered as", capability.signature)]
    if capability.conventions:
        lines.append(("conventions", ", ".join(_choices(c.name, c.choices, c.default) for c in capability.conventions)))
    if capability.derivative_of:
        lines.append(
            ("derived", f"by the suite from {capability.derivative_of} with torch and jax; declared with numpy")
        )
    if capability.derivation:
        lines.append(("derivation", "\n".join(capability.derivation)))
    if capability.truth:
        lines.append(("truth", capability.truth))
    slips = " · ".join(fault.description for fault in capability.faults)
    lines.append(("people slip", f"{slips}   ({len(capability.faults)} faults)"))
    links = dict.fromkeys(fault.link for fault in capability.faults if fault.link)
    if links:
        lines.append(("seen", "\n".join(links)))
    lines.append(("read", capability.page))
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for what, text in lines:
        table.add_row(f"  {what}", Text(text))
    print_table(table, out)
    return 0


def _choices(name: str, choices: str, default: object) -> str:
    return f"{name} {choices}" + (f" (default {default})" if default is not None else "")


def _ends(left: str, right: str, out: Console) -> None:
    gap = max(2, out.width - len(left) - len(right))
    out.print(Text(f"{left}{' ' * gap}{right}"))
