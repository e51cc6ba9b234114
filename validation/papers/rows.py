"""A published number and ours, side by side."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Row", "Table", "printed"]


class Row(NamedTuple):
    """One number.

    Parameters
    ----------
    what : str
        What it is.
    published : str
        As it is printed, or as a range, low–high.
    found : float
        Ours.
    allowed : float
        How far from the published number (or from the range) it may be: half a unit of the last printed digit, or more
        where a sampled number has an error of its own.
    """

    what: str
    published: str
    found: float
    allowed: float

    @property
    def agrees(self) -> bool:
        """Whether it is within what is allowed."""
        low, _, high = self.published.partition("–")
        least, most = float(low), float(high or low)
        return bool(least - self.allowed <= self.found <= most + self.allowed)


class Table(NamedTuple):
    """The numbers of one paper.

    Parameters
    ----------
    name : str
        For the command line.
    title, source, method : str
        What is reproduced, where it was published, and how ours were made.
    rows : tuple of Row
        The numbers.
    """

    name: str
    title: str
    source: str
    method: str
    rows: tuple[Row, ...]


def printed(what: str, published: str, found: float) -> Row:
    """A row that agrees if ours rounds to what is printed."""
    digits = len(published.partition(".")[2])
    return Row(what, published, found, 0.5000001 * 10.0**-digits)
