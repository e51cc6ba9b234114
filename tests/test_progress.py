"""progress.py: a line on a terminal, silence elsewhere."""

import io
import sys

import numpy as np

from refscore import progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def run(stream, monkeypatch):
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(progress, "PERIOD", 0.0)
    with progress.watched(30, "annealing") as shown:
        for k in range(30):
            shown(k, np.zeros((1, 1)))
    return stream.getvalue()


def test_a_terminal_sees_the_steps(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    text = run(Terminal(), monkeypatch)
    assert "annealing" in text
    assert "30/30" in text


def test_a_pipe_and_no_stream_see_nothing(monkeypatch):
    assert run(io.StringIO(), monkeypatch) == ""
    monkeypatch.setattr(sys, "stderr", None)
    with progress.watched(3) as shown:
        shown(0, np.zeros((1, 1)))
