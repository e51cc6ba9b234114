"""Explicit, implicit and sliced score matching in torch, as notebooks and the official codes have them."""

from tests.conformance.losses.form import collector

try:
    import torch
    import torch.nn.functional as F
except ModuleNotFoundError:  # the forms are listed without torch, and run with it
    torch = F = None

__all__ = ["FORMS"]

FORMS, written = collector()


@written("mean of squared norms", "explicit", factor=1, reduction="mean")
def explicit_of_norms(score, x, data_score):
    return torch.linalg.vector_norm(score(x) - data_score, dim=1).square().mean()


@written("F.mse_loss", "explicit", factor=1, reduction="mean", dimension="mean")
def explicit_by_mse(score, x, data_score):
    return F.mse_loss(score(x), data_score)


@written("half of a sum", "explicit", reduction="sum")
def explicit_sum(score, x, data_score):
    return 0.5 * torch.sum((score(x) - data_score) ** 2)


def jacobian_by_columns(score, x):
    x = x.clone().requires_grad_()
    s = score(x)
    rows = [torch.autograd.grad(s[:, i].sum(), x, create_graph=True)[0] for i in range(x.shape[1])]
    return s, torch.stack(rows, dim=1)


@written("notebook: trace by columns", "implicit", reduction="mean")
def implicit_of_tutorial(score, x):
    s, jacobian = jacobian_by_columns(score, x)
    norm = torch.norm(s, dim=-1) ** 2 / 2
    trace = torch.diagonal(jacobian, dim1=-2, dim2=-1).sum(-1)
    return (trace + norm).mean(-1)


@written("sliced_score_matching: exact_score_matching", "implicit", reduction="mean")
def implicit_of_official_code(score, x):
    x = x.requires_grad_(True)
    grad1 = score(x)
    loss1 = torch.norm(grad1, dim=-1) ** 2 / 2
    loss2 = torch.zeros(x.shape[0], dtype=x.dtype)
    for i in range(x.shape[1]):
        grad = torch.autograd.grad(grad1[:, i].sum(), x, create_graph=True, retain_graph=True)[0][:, i]
        loss2 = loss2 + grad
    return (loss1 + loss2).mean()


@written("2 tr J + |s|^2", "implicit", factor=1)
def implicit_doubled(score, x):
    trace = torch.vmap(lambda row: torch.trace(torch.func.jacrev(score)(row)))(x)
    return 2 * trace + score(x).pow(2).sum(-1)


@written("mean over all entries", "implicit", reduction="mean", dimension="mean")
def implicit_of_entries(score, x):
    s, jacobian = jacobian_by_columns(score, x)
    return (torch.diagonal(jacobian, dim1=1, dim2=2) + 0.5 * s**2).mean()


def products(score, x, vectors):
    """v·s and vᵀJv for vectors (m, n, d), the samples repeated for each."""
    m, n, d = vectors.shape
    repeated = x.unsqueeze(0).expand(m, n, d).reshape(-1, d).clone().requires_grad_(True)
    vectors = vectors.reshape(-1, d)
    grad1 = score(repeated)
    along = torch.sum(grad1 * vectors, dim=-1)
    grad2 = torch.autograd.grad(along.sum(), repeated, create_graph=True)[0]
    return grad1, along, torch.sum(vectors * grad2, dim=-1)


@written("sliced_score_matching: sliced_score_matching", "sliced", projection="unit_sphere", reduction="mean")
def sliced_on_the_unit_sphere(score, x, projection):
    vectors = projection / torch.norm(projection, dim=-1, keepdim=True)
    _, along, curvature = products(score, x, vectors)
    return (along**2 * 0.5 + curvature).mean()


@written("sliced_score_matching: single, radermacher", "sliced", projection="rademacher", reduction="mean")
def sliced_of_signs(score, x, projection):
    _, along, curvature = products(score, x, projection.sign())
    return (along**2 * 0.5 + curvature).mean()


@written("sliced_score_matching: single, sphere", "sliced", projection="sphere", reduction="mean")
def sliced_on_the_sphere(score, x, projection):
    vectors = projection / torch.norm(projection, dim=-1, keepdim=True) * x.shape[-1] ** 0.5
    _, along, curvature = products(score, x, vectors)
    return (along**2 * 0.5 + curvature).mean()


@written("notebook: directions by jvp", "sliced", projection="unit_sphere")
def sliced_of_tutorial(score, x, projection):
    x = x.clone().requires_grad_()
    total = 0
    for v in projection:
        v = v / torch.norm(v, dim=-1, keepdim=True)
        s, jvp = torch.func.jvp(score, (x,), (v,))
        total = total + (v * jvp).sum(-1) + (s * v).sum(-1) ** 2 / 2
    return total / projection.shape[0]


@written("any projections, per dimension", "sliced", dimension="mean", reduction="mean", factor=1)
def sliced_per_dimension(score, x, projection):
    _, along, curvature = products(score, x, projection)
    return (along**2 + 2 * curvature).mean() / x.shape[-1]


@written("sliced_score_matching: ..._estimation_vr", "sliced_variance_reduced", reduction="mean")
def reduced_of_official_code(score, x, projection):
    grad1, _, curvature = products(score, x, projection)
    return (torch.sum(grad1 * grad1, dim=-1) / 2.0 + curvature).mean()


@written(
    "sliced_score_matching: sliced_VR, radermacher",
    "sliced_variance_reduced",
    reduction="mean",
    projection="rademacher",
)
def reduced_of_signs(score, x, projection):
    grad1, _, curvature = products(score, x, torch.sign(projection))
    return (0.5 * grad1.square().sum(-1) + curvature).mean()


@written("2 vJv + |s|^2", "sliced_variance_reduced", factor=1)
def reduced_doubled(score, x, projection):
    def push(v):
        return (v * torch.func.jvp(score, (x,), (v,))[1]).sum(-1)

    return 2 * torch.stack([push(v) for v in projection]).mean(0) + score(x).square().sum(-1)


@written("FD-ScoreMatching: conjugate, |v| = eps", "finite_difference", projection="sphere", reduction="mean")
def finite_differences_of_official_code(log_prob, x, projection, *, epsilon):
    m, n, d = projection.shape
    eps = epsilon * d**0.5  # their vectors have length eps, where epsilon v has length epsilon √d
    repeated, vectors = x.expand(m, n, d).reshape(-1, d), projection.reshape(-1, d)
    vectors = vectors / torch.norm(vectors, dim=-1, keepdim=True) * eps
    batch = torch.cat([repeated, repeated + vectors, repeated - vectors])
    energies = -log_prob(batch)
    middle, right, left = torch.split(energies, m * n)
    loss = (right - left) ** 2 / 8 - right - left + 2 * middle
    return loss.mean() * d / eps**2


@written("energies at x and x ± epsilon v", "finite_difference", factor=1, reduction="mean", dimension="mean")
def finite_differences_per_dimension(log_prob, x, projection, *, epsilon):
    total = 0
    for v in projection:
        up, down = log_prob(x + epsilon * v), log_prob(x - epsilon * v)
        slope = (up - down) / (2 * epsilon)
        total = total + slope**2 + 2 * (up - 2 * log_prob(x) + down) / epsilon**2
    return (total / (len(projection) * x.shape[1])).mean()


@written("Hyvärinen 2007, as sums of x^2 terms", "nonnegative", reduction="mean")
def nonnegative_by_columns(score, x, *, h):
    s, jacobian = jacobian_by_columns(score, x)
    diagonal = torch.diagonal(jacobian, dim1=1, dim2=2)
    return torch.sum(h.slope(x) * s + h(x) * diagonal + 0.5 * s**2 * h(x), dim=1).mean()


@written("doubled, per dimension", "nonnegative", factor=1, dimension="mean")
def nonnegative_doubled(score, x, *, h):
    x = x.clone().requires_grad_()
    s = score(x)
    rows = [torch.autograd.grad((h(x) * s)[:, i].sum(), x, create_graph=True)[0][:, i] for i in range(x.shape[1])]
    return (2 * torch.stack(rows, 1) + h(x) * s**2).mean(1)


@written("Marg-IW, weights by softmax", "missing_marginal", reduction="mean")
def marginal_by_softmax(density, x, mask, imputations, *, proposal_log_prob):
    points = torch.where(mask, x, imputations)
    w = torch.softmax(density(points) - proposal_log_prob, dim=0).unsqueeze(-1)
    s, curvature = density.score(points), density.score_diagonal(points)
    mean = (w * s).sum(0)
    value = (w * (curvature + s**2)).sum(0) - 0.5 * mean**2
    return torch.where(mask, value, 0.0).sum(-1).mean()


@written("Marg-IW, the log of the mean density", "missing_marginal", factor=1, reduction="sum")
def marginal_by_logsumexp(density, x, mask, imputations, *, proposal_log_prob):
    x = x.detach().requires_grad_()
    log_mean = torch.logsumexp(density(torch.where(mask, x, imputations)) - proposal_log_prob, dim=0)
    (s,) = torch.autograd.grad(log_mean.sum(), x, create_graph=True)
    trace = sum(torch.autograd.grad(s[:, i].sum(), x, create_graph=True)[0][:, i] for i in range(x.shape[1]))
    return ((s**2).sum(-1) + 2 * trace).sum()
