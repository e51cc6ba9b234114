"""conformance/gradients.py: gradients derived from torch and JAX losses; what loses a gradient is caught and named."""

import numpy as np
import pytest

from refscore.conformance import CATALOGUE, Adapter, AdapterError, check, check_here
from tests.conformance.capabilities.learners import jax_losses, torch_losses

DTYPES = ("float64", "float32")
OBJECTIVES = [name for name, c in CATALOGUE.items() if f"{name}.gradient" in CATALOGUE]
TRACES = ["trace.exact", "trace.hutchinson"]


def report_of(name, function, arrays, dtype="float64", **declared):
    adapter = Adapter("under test", arrays=arrays, dtype=dtype)
    adapter.implements(name, **declared)(function)
    return check_here(adapter)


def assert_conforms(report):
    assert [(r.check, r.ratio, r.message) for r in report.results if r.outcome != "pass"] == []
    assert report.exit_code == 0


def named(report, capability):
    """What the failures of a capability look like."""
    failed = [r for r in report.results if r.capability == capability and r.outcome == "fail"]
    return [d.fault for d in failed[0].diagnosis] if failed else None


def test_a_gradient_is_declared_with_numpy_only():
    for arrays, why in (("torch", "derives it from 'objective.denoising'"), ("cupy", "without autodiff")):
        with pytest.raises(AdapterError, match=f'declared with arrays="numpy" only; .*{why}'):
            Adapter("a", arrays=arrays).implements("objective.denoising.gradient")


def test_with_numpy_nothing_is_derived():
    adapter = Adapter("a")
    adapter.implements("objective.explicit")(lambda score, x, data_score: x)
    assert list(adapter.offers) == ["objective.explicit"]


@pytest.mark.peer
@pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")  # of torch.func.jvp, for itself
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [*TRACES, *OBJECTIVES])
@pytest.mark.parametrize("library", ["torch", "jax"])
def test_what_people_write_conforms(library, name, dtype):
    pytest.importorskip(library)
    losses = {"torch": torch_losses, "jax": jax_losses}[library]()
    report = report_of(name, losses[name], library, dtype)
    assert_conforms(report)
    checked = {r.capability for r in report.results}
    assert checked == ({name} if name in TRACES else {name, f"{name}.gradient"})
    assert report.planned == len(report.results)


@pytest.mark.peer
@pytest.mark.parametrize("library", ["torch", "jax"])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_the_declared_conventions_are_undone(library, reduction):
    pytest.importorskip(library)
    losses = {"torch": torch_losses, "jax": jax_losses}[library]()

    def doubled(*arguments):
        return 2 * getattr(losses["objective.explicit"](*arguments), reduction)()

    report = report_of("objective.explicit", doubled, library, factor=1, reduction=reduction)
    assert_conforms(report)
    assert dict(report.adapters[0].offers) == {
        "objective.explicit": f"factor=1, reduction={reduction}",
        "objective.explicit.gradient": "derived, factor=1",
    }


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def torch_mistakes():
    """Capability, a loss whose values are right, and the fault that its gradient is."""
    torch = pytest.importorskip("torch")
    right = torch_losses()

    def everything_detached(score, x0, noise, sigma):
        with torch.no_grad():
            return right["objective.denoising"](score, x0, noise, sigma)

    def score_detached(score, x, data_score):
        s = score(x)
        return 0.5 * (s.detach() ** 2 - 2 * s * data_score + data_score**2).sum(-1)

    def target_dropped(score, x0, noise, sigma):
        s, target = score(x0 + sigma * noise), noise / sigma
        cross = (s.detach() * target + 0.5 * target**2).sum(-1)
        return 0.5 * (s**2).sum(-1) + cross

    def without_create_graph(score, x):
        x = x.requires_grad_()
        s, trace = score(x), 0
        for i in range(x.shape[1]):
            trace = trace + torch.autograd.grad(s[:, i].sum(), x, retain_graph=True)[0][:, i]
        return trace + 0.5 * (s**2).sum(-1)

    def norm_under_no_grad(score, x):
        with torch.no_grad():
            norm = 0.5 * (score(x) ** 2).sum(-1)
        return torch.vmap(lambda row: torch.func.jacrev(score)(row).trace())(x) + norm

    def sliced_without_graph(score, x, projection):
        x, total = x.requires_grad_(), 0
        s = score(x)
        for v in projection:
            (row,) = torch.autograd.grad((s * v).sum(), x, retain_graph=True)
            total = total + (row * v).sum(-1) + 0.5 * (s * v).sum(-1) ** 2
        return total / len(projection)

    def reduced_with_detached_norm(score, x, projection):
        s = score(x).detach()
        plain = right["objective.sliced_variance_reduced"](lambda y: score(y), x, projection)
        return plain - 0.5 * (score(x) ** 2).sum(-1) + 0.5 * (s**2).sum(-1)

    def levels_without_target(score, x0, noise, sigma):
        level = sigma[:, None]
        s = level * score(x0 + level * noise, sigma)
        return (0.5 * s**2 + s.detach() * noise + 0.5 * noise**2).sum(-1)

    def centre_without_grad(log_prob, x, projection, *, epsilon):
        with torch.no_grad():
            centre = log_prob(x)
        right, left = (torch.stack([log_prob(x + e * v) for v in projection]) for e in (epsilon, -epsilon))
        return ((right + left - 2 * centre + (right - left) ** 2 / 8) / epsilon**2).mean(0)

    def square_of_data(log_prob, x, projection, *, epsilon):
        right, left = (torch.stack([log_prob(x + e * v) for v in projection]) for e in (epsilon, -epsilon))
        slope = torch.tensor((right - left).detach().numpy())
        return ((right + left - 2 * log_prob(x) + slope**2 / 8) / epsilon**2).mean(0)

    return [
        ("objective.denoising", everything_detached, "DSMG-detached"),
        ("objective.denoising", target_dropped, "DSMG-no-target"),
        ("objective.explicit", score_detached, "ESMG-target-only"),
        ("objective.implicit", without_create_graph, "ISMG-trace-detached"),
        ("objective.implicit", norm_under_no_grad, "ISMG-norm-detached"),
        ("objective.sliced", sliced_without_graph, "SSMG-quadratic-detached"),
        ("objective.sliced_variance_reduced", reduced_with_detached_norm, "SSMVRG-norm-detached"),
        ("objective.multilevel", levels_without_target, "MSMG-no-target"),
        ("objective.finite_difference", centre_without_grad, "FDSG-centre-detached"),
        ("objective.finite_difference", square_of_data, "FDSG-square-detached"),
    ]


@pytest.mark.peer
@pytest.mark.parametrize("dtype", DTYPES)
def test_right_values_with_wrong_gradients_are_caught_and_named_in_torch(dtype):
    for name, function, fault in torch_mistakes():
        report = report_of(name, function, "torch", dtype)
        assert all(r.outcome == "pass" for r in report.results if r.capability == name), function.__name__
        assert named(report, f"{name}.gradient") == [fault], function.__name__
        assert report.exit_code == 1


def jax_mistakes():
    """The same for JAX."""
    jax = pytest.importorskip("jax")
    jnp, stop = jax.numpy, jax.lax.stop_gradient

    def everything_stopped(score, x, data_score):
        return 0.5 * jnp.sum((stop(score(x)) - data_score) ** 2, axis=-1)

    def trace_stopped(score, x):
        trace = jax.vmap(lambda row: jnp.trace(jax.jacfwd(score)(row)))(x)
        return stop(trace) + 0.5 * jnp.sum(score(x) ** 2, axis=-1)

    def one_factor(score, x, projection):
        def one(v):
            along, push = jnp.sum(v * score(x), -1), jax.jvp(score, (x,), (v,))[1]
            return jnp.sum(v * push, -1) + along - stop(along) + 0.5 * stop(along) ** 2

        return jnp.mean(jnp.stack([one(v) for v in projection]), axis=0)

    return [
        ("objective.explicit", everything_stopped, "ESMG-detached"),
        ("objective.implicit", trace_stopped, "ISMG-trace-detached"),
        ("objective.sliced", one_factor, "SSMG-one-factor"),
    ]


@pytest.mark.peer
def test_right_values_with_wrong_gradients_are_caught_and_named_in_jax():
    for name, function, fault in jax_mistakes():
        report = report_of(name, function, "jax")
        assert all(r.outcome == "pass" for r in report.results if r.capability == name), function.__name__
        assert named(report, f"{name}.gradient") == [fault], function.__name__


@pytest.mark.peer
def test_a_wrong_value_has_a_wrong_gradient_by_the_same_name(torch):
    def variance(score, x0, noise, sigma):
        return 0.5 * ((score(x0 + sigma * noise) + noise / sigma**2) ** 2).sum(-1)

    report = report_of("objective.denoising", variance, "torch")
    assert named(report, "objective.denoising") == ["DSM-variance"]
    assert named(report, "objective.denoising.gradient") == ["DSMG-variance"]


@pytest.mark.peer
def test_a_graph_that_was_freed_is_told_with_its_reason(torch):
    def freed(score, x):
        x = x.requires_grad_()
        s = score(x)
        (row,) = torch.autograd.grad(s[:, 0].sum(), x)
        rest = [torch.autograd.grad(score(x)[:, i].sum(), x)[0][:, i] for i in range(1, x.shape[1])]
        return row[:, 0] + sum(rest) + 0.5 * (s**2).sum(-1)

    report = report_of("objective.implicit", freed, "torch")
    assert all(r.outcome == "pass" for r in report.results if r.capability == "objective.implicit")
    first, *others = [r for r in report.results if r.capability == "objective.implicit.gradient"]
    assert first.outcome == "fail"
    assert "backward through the graph a second time" in first.message
    assert "create_graph=True" in first.message
    assert {r.outcome for r in others} == {"blocked"}
    assert report.exit_code == 1


@pytest.mark.peer
@pytest.mark.parametrize("library", ["torch", "jax"])
def test_what_comes_back_as_numpy_has_no_gradient_and_may_opt_out(library):
    pytest.importorskip(library)

    def explicit(score, x, data_score):
        s, target = score(x), data_score
        s = s.detach().numpy() if library == "torch" else np.asarray(s)
        return 0.5 * ((s - np.asarray(target)) ** 2).sum(-1)

    report = report_of("objective.explicit", explicit, library)
    derived = [r for r in report.results if r.capability == "objective.explicit.gradient"]
    assert {r.outcome for r in derived} == {"inconclusive"}
    assert all("gradient=False" in r.message for r in derived)
    assert report.exit_code == 3
    report = report_of("objective.explicit", explicit, library, gradient=False)
    assert_conforms(report)
    assert {r.capability for r in report.results} == {"objective.explicit"}


@pytest.mark.peer
def test_an_objective_that_raises_blocks_its_gradient(torch):
    def raises(score, x, data_score):
        raise RuntimeError("out of order")

    report = report_of("objective.explicit", raises, "torch")
    assert len(report.results) == report.planned
    derived = [r for r in report.results if r.capability == "objective.explicit.gradient"]
    assert {(r.outcome, r.message) for r in derived} == {("blocked", "says nothing while objective.explicit/api fails")}
    assert report.exit_code == 2


@pytest.mark.peer
def test_an_objective_that_raises_only_when_it_is_trained_is_an_error_of_the_adapter(torch):
    def moody(score, x, data_score):
        s = score(x)
        if s.requires_grad:
            raise RuntimeError("not in training")
        return 0.5 * ((s - data_score) ** 2).sum(-1)

    report = report_of("objective.explicit", moody, "torch")
    first = next(r for r in report.results if r.capability == "objective.explicit.gradient")
    assert first.outcome == "error"
    assert "raised RuntimeError('not in training') for x of shape (3, 3)\n  at " in first.message


@pytest.mark.peer
def test_an_objective_that_hangs_costs_one_time_limit_with_its_gradient(torch, tmp_path):
    target = tmp_path / "mine.py"
    target.write_text(
        "from refscore.conformance import Adapter\n"
        'adapter = Adapter("mylib", arrays="torch")\n'
        '@adapter.implements("objective.explicit")\n'
        "def explicit(score, x, data_score):\n"
        "    while True: pass\n"
    )
    report = check(str(target), time_limit=1.5)
    assert len(report.results) == report.planned
    assert (report.summary["error"], report.summary["blocked"]) == (1, report.planned - 1)


@pytest.mark.peer
def test_noise_that_is_drawn_inside_is_served_to_the_gradient_too(torch):
    def denoising(score, x0, sigma):
        z = torch.randn_like(x0)
        return 0.5 * ((score(x0 + sigma * z) + z / sigma) ** 2).sum(-1)

    report = report_of("objective.denoising", denoising, "torch", noise="recorded")
    assert_conforms(report)
    assert {r.capability for r in report.results} == {"objective.denoising", "objective.denoising.gradient"}


@pytest.mark.peer
def test_arguments_that_a_loss_writes_to_are_seen_in_the_gradient_too(torch):
    def explicit(score, x, data_score):
        if score(x).requires_grad:
            data_score *= 1.5
        return 0.5 * ((score(x) - data_score) ** 2).sum(-1)

    report = report_of("objective.explicit", explicit, "torch")
    first = next(r for r in report.results if r.capability == "objective.explicit.gradient")
    assert "wrote to its argument data_score" in first.message
