"""``refscore list`` and ``refscore explain``: what can be offered, and everything about one capability."""

from __future__ import annotations

from fnmatch import fnmatchcase

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from refscore.conformance.adapter import near
from refscore.conformance.capabilities import CATALOGUE
from refscore.conformance.capability import Convention
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
        raise TargetError(f'"{name}" is no capability.{near(name, [*CATALOGUE, *names()])}  (refscore list)')
    _ends(capability.title, capability.source, out)
    _ends(f"  {capability.formula}", f"({capability.label})", out)
    lines = [("offered as", capability.signature)]
    if capability.conventions:
        lines.append(("conventions", "\n".join(map(_convention, capability.conventions))))
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
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for what, text in lines:
        table.add_row(f"  {what}", Text(text))
    print_table(table, out)
    # An address that is broken over lines cannot be followed.
    for number, link in enumerate(links):
        out.print(Text(f"{'' if number else '  seen':<15}{link}"), soft_wrap=True)
    out.print(Text(f"{'  read':<15}{capability.page}"), soft_wrap=True)
    return 0


def _convention(c: Convention) -> str:
    default = f" (default {c.default})" if c.default is not None else ""
    meaning = f": {c.meaning}" if c.values else ""  # otherwise the choices are the meaning
    return f"{c.name} {c.choices}{default}{meaning}"


def _wrapped(text: str, width: int, out: Console) -> list[Text]:
    """Lines of a formula; between statements, where there are two blanks, rather than within one."""
    lines = [""]
    for part in text.split("  "):
        whole = f"{lines[-1]}  {part}" if lines[-1] else part
        lines = [*lines[:-1], whole] if cell_len(whole) <= width or not lines[-1] else [*lines, part]
    return [row for line in lines for row in Text(line).wrap(out, width)]


def _ends(left: str, right: str, out: Console) -> None:
    """One text at the left end of a line and one at the right; what is too long goes on below its beginning."""
    begin = len(left) - len(left.lstrip())
    lines = [part.plain.rstrip() for part in _wrapped(left.strip(), out.width - begin, out)]
    gap = out.width - begin - cell_len(lines[-1]) - cell_len(right)
    if gap >= 2:
        lines[-1] += " " * gap + right
    else:
        lines.append(right.rjust(out.width - begin))
    for line in lines:
        out.print(Text(" " * begin + line), soft_wrap=True)
