"""fit/progress.py: a line on a terminal, silence elsewhere."""

import io
import sys

import pytest

from refscore.fit import progress
from refscore.fit.progress import Watched


class Terminal(io.StringIO):
    def isatty(self):
        return True


def run(stream, monkeypatch, wanted=True):
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "PERIOD", 0.0)
    with Watched(2, 50, wanted) as watched:
        for k in range(2, 50):
            watched.show(k + 1, 0.125)
    return stream.getvalue()


def test_a_terminal_sees_steps_and_loss(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    text = run(Terminal(), monkeypatch)
    assert "training" in text
    assert "37/50" in text
    assert "loss 0.125" in text


@pytest.mark.parametrize(("stream", "wanted"), [(io.StringIO, True), (Terminal, False)])
def test_nobody_else_does(stream, wanted, monkeypatch):
    assert run(stream(), monkeypatch, wanted) == ""


def test_no_standard_error_at_all(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    with Watched(0, 1, True) as watched:
        watched.show(1, 0.0)
