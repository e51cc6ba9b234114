"""``trace.*``: loops over coordinates, probes and autodiff conform in both dtypes; near misses do not."""

import numpy as np
import pytest

from refscore.conformance import CATALOGUE, Adapter, check_here

DTYPES = ("float64", "float32")


def report_of(name, function, dtype, arrays="numpy", **declared):
    adapter = Adapter("under test", arrays=arrays, dtype=dtype)
    adapter.implements(name, **declared)(function)
    return check_here(adapter)


def assert_conforms(*given, **declared):
    results = report_of(*given, **declared).results
    assert [(r.check, r.ratio, r.message) for r in results if r.outcome != "pass"] == []


def exact_by_rows(score, x):
    axes = np.eye(x.shape[-1], dtype=x.dtype)
    return sum(score.vjp(x, np.broadcast_to(e, x.shape)) @ e for e in axes)


def exact_by_eigenvalues(score, x):
    return np.linalg.eigvals(score.jacobian(x)).sum(-1).real.astype(x.dtype)


def exact_by_einsum(score, x):
    return np.einsum("nii->n", score.jacobian(x))


def hutchinson_by_jacobian(score, x, projection):
    return np.einsum("mni,nij,mnj->n", projection, score.jacobian(x), projection) / x.dtype.type(len(projection))


def hutchinson_by_products(score, x, projection):
    total = np.zeros(len(x), x.dtype)
    for v in projection:
        product = (score.jacobian(x) @ v[..., None])[..., 0]
        total = total + (v * product).sum(-1)
    return total / x.dtype.type(len(projection))


def hutchinson_in_one_batch(score, x, projection):
    m, n, d = projection.shape
    rows = np.broadcast_to(x, projection.shape).reshape(m * n, d)
    flat = projection.reshape(m * n, d)
    return (score.vjp(rows, flat) * flat).sum(-1).reshape(m, n).mean(0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", [exact_by_rows, exact_by_eigenvalues, exact_by_einsum])
def test_any_trace_conforms(function, dtype):
    assert_conforms("trace.exact", function, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("function", [hutchinson_by_jacobian, hutchinson_by_products, hutchinson_in_one_batch])
def test_any_estimate_of_the_trace_conforms(function, dtype):
    assert_conforms("trace.hutchinson", function, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_probes_that_are_drawn_inside_are_served(dtype):
    def hutchinson(score, x):
        v = np.random.standard_normal((2, *x.shape)).astype(x.dtype)  # noqa: NPY002 - this is what is intercepted
        return hutchinson_by_jacobian(score, x, v)

    results = report_of("trace.hutchinson", hutchinson, dtype, noise="recorded").results
    passed = {r.check.split("/")[1] for r in results if r.outcome == "pass"}
    assert passed >= {name for name in (r.check.split("/")[1] for r in results) if name.startswith("m=2")}


def test_all_probes_give_the_exact_trace():  # over v = √d e_i the mean of vᵀJv is tr J: the two references agree
    for case in CATALOGUE["trace.exact"].cases({}):
        model, x = case.arguments
        d = x.shape[-1]
        probes = np.sqrt(d) * np.broadcast_to(np.eye(d)[:, None], (d, *x.shape))
        estimate = CATALOGUE["trace.hutchinson"].reference(model, x, probes)
        exact = case.expect(CATALOGUE["trace.exact"].reference)[0]
        assert (np.abs(estimate - exact) <= 8 * d * 2.0**-53 * case.size[0]).all()


@pytest.mark.parametrize("step", [2.0**-10, 2.0**-17])
def test_differences_are_not_derivatives(step):
    def function(score, x):
        axes = np.eye(x.shape[-1])
        return sum(((score(x + step * e) - score(x - step * e)) @ e) / (2 * step) for e in axes)

    assert report_of("trace.exact", function, "float64").exit_code == 1


@pytest.mark.peer
@pytest.mark.parametrize("dtype", DTYPES)
def test_autodiff_of_torch_conforms(dtype):
    torch = pytest.importorskip("torch")

    def exact(score, x):
        return torch.stack([torch.trace(torch.func.jacrev(score)(row)) for row in x])

    def hutchinson(score, x, projection):
        x = x.requires_grad_()
        value, total = score(x), 0
        for v in projection:
            (product,) = torch.autograd.grad((value * v).sum(), x, retain_graph=True)
            total = total + (product * v).sum(-1)
        return total / len(projection)

    assert_conforms("trace.exact", exact, dtype, "torch")
    assert_conforms("trace.hutchinson", hutchinson, dtype, "torch")
