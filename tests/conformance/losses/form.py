"""One loss as found in the world, what has to be declared for it, and what a wrong declaration is answered with."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field

from refscore.conformance import CATALOGUE, Adapter, check_here

__all__ = ["Form", "answers", "assert_answered", "assert_conforms", "collector", "run", "wrong_declarations"]


# Code that leaves its projections as they are takes them all, and what makes them √d long takes signs too.
COVERED = {
    "isotropic": ("unit_sphere", "sphere", "rademacher"),
    "sphere": ("rademacher",),
    "unit_sphere": (),
    "rademacher": (),
}


@dataclass(frozen=True)
class Form:
    """A loss and its declaration.

    Parameters
    ----------
    source : str
        Whose form it is.
    capability : str
        What it is offered as.
    loss : callable
        The loss, in our words.
    declared : dict
        The conventions under which it conforms.
    """

    source: str
    capability: str
    loss: Callable
    declared: dict = field(default_factory=dict)

    def __str__(self):
        return f"{self.capability.removeprefix('objective.')}:{self.source}"


def collector():
    """A list of forms, and the decorator that fills it."""
    found = []

    def written(source, capability, **declared):
        def register(loss):
            found.append(Form(source, f"objective.{capability}", loss, declared))
            return loss

        return register

    return found, written


def run(form, arrays, dtype="float64", **changed):
    """The report on a form; its gradient is derived along with it."""
    adapter = Adapter(form.source, arrays=arrays, dtype=dtype)
    adapter.implements(form.capability, **{**form.declared, **changed})(form.loss)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*torch.jit.script", DeprecationWarning)  # of torch.func.jvp, for itself
        return check_here(adapter)


def assert_conforms(form, arrays, dtype):
    report = run(form, arrays, dtype)
    assert [(r.check, r.ratio, r.message, r.diagnosis) for r in report.results if r.outcome != "pass"] == []
    assert {r.capability for r in report.results} == {form.capability, f"{form.capability}.gradient"}
    assert report.exit_code == 0


def right_and_closed(form):
    """The right value of every convention that has a closed list of values."""
    conventions = [c for c in CATALOGUE[form.capability].conventions if c.values]
    return {c.name: (form.declared.get(c.name, c.default), c.values) for c in conventions}


def wrong_declarations(form):
    """Each convention declared wrongly, factor and dimension both, and nothing declared at all.

    That every wrong value is answered is told without torch and JAX in test_diagnosis.py.
    """
    closed = right_and_closed(form)
    defaults = {c.name: c.default for c in CATALOGUE[form.capability].conventions}
    wrong = {name: next(v for v in reversed(values) if v != right) for name, (right, values) in closed.items()}
    both = {name: wrong[name] for name in ("factor", "dimension")}
    nothing = {name: defaults[name] for name, (right, _) in closed.items() if defaults[name] != right}
    every = [{name: value} for name, value in wrong.items()] + [both, nothing]
    return [changed for i, changed in enumerate(every) if changed and changed not in every[:i]]


def answers(report, capability):
    """What the failures of a capability are said to look like; None where it conforms."""
    failed = [r for r in report.results if r.capability == capability and r.outcome in ("fail", "error")]
    return {(d.fault, d.description) for r in failed for d in r.diagnosis} if failed else None


def assert_answered(form, arrays, dtype, changed):
    """A wrong declaration is answered with the right one, by the objective and by its derived gradient."""
    report = run(form, arrays, dtype, **changed)
    closed = right_and_closed(form)
    if set(changed) == {"projection"} and changed["projection"] in COVERED[closed["projection"][0]]:
        assert report.exit_code == 0
        return
    right = ", ".join(f"{name}={closed[name][0]!r}" for name in closed if name in changed)
    wrong = ", ".join(f"{name}={changed[name]!r}" for name in closed if name in changed)
    answer = {("convention", f"{right} (declared: {wrong}); declare it, or change the code")}
    assert answers(report, form.capability) == answer
    assert answers(report, f"{form.capability}.gradient") in (None, answer)
