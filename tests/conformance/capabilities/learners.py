"""All objectives and traces as people write them in torch and JAX, without refscore; the tests hand them to adapters.

`torch_losses` and `jax_losses` give functions by capability; each takes what its capability passes. Kinds of code are
mixed on purpose: vmap and loops, jacrev, jvp and double backward.
"""

import importlib


def torch_losses():
    torch = importlib.import_module("torch")
    losses = {}

    def offer(name):
        return lambda function: losses.setdefault(name, function)

    def divergence(score, x):
        """The loop over dimensions that everybody has."""
        if not x.requires_grad:
            x = x.requires_grad_()
        s = score(x)
        total = 0
        for i in range(x.shape[-1]):
            (row,) = torch.autograd.grad(s[:, i].sum(), x, create_graph=True)
            total = total + row[:, i]
        return s, total

    def quadratic(score, x, v):
        x = x.detach().requires_grad_()
        s = score(x)
        (row,) = torch.autograd.grad((s * v).sum(), x, create_graph=True)
        return s, (row * v).sum(-1)

    @offer("trace.exact")
    def trace(score, x):
        return torch.vmap(lambda row: torch.func.jacrev(score)(row).trace())(x)

    @offer("trace.hutchinson")
    def hutchinson(score, x, projection):
        def along(v):
            return (v * torch.func.jvp(score, (x,), (v,))[1]).sum(-1)

        return torch.stack([along(v) for v in projection]).mean(0)

    @offer("objective.explicit")
    def explicit(score, x, data_score):
        return 0.5 * (score(x) - data_score).square().sum(dim=1)

    @offer("objective.implicit")
    def implicit(score, x):
        s, trace = divergence(score, x)
        return trace + 0.5 * s.norm(dim=-1) ** 2

    @offer("objective.denoising")
    def denoising(score, x0, noise, sigma):
        noised = x0 + noise * sigma
        target = -1 / sigma**2 * (noised - x0)
        return 0.5 * ((score(noised) - target) ** 2).sum(dim=-1)

    @offer("objective.multilevel")
    def multilevel(score, x0, noise, sigma):
        level = sigma.view(-1, 1)
        return 0.5 * (level * score(x0 + level * noise, sigma) + noise).pow(2).sum(dim=-1)

    @offer("objective.sliced")
    def sliced(score, x, projection):
        total = 0
        for v in projection:
            s, curvature = quadratic(score, x, v)
            total = total + curvature + 0.5 * (s * v).sum(-1) ** 2
        return total / len(projection)

    @offer("objective.sliced_variance_reduced")
    def sliced_variance_reduced(score, x, projection):
        m, n, d = projection.shape
        x, flat = x.repeat(m, 1), projection.reshape(m * n, d)
        s, curvature = quadratic(score, x, flat)
        return (curvature + 0.5 * (s * s).sum(-1)).view(m, n).mean(0)

    @offer("objective.finite_difference")
    def finite_difference(log_prob, x, projection, *, epsilon):
        m, n, _ = projection.shape
        shifted = torch.cat([x.expand_as(projection), x + epsilon * projection, x - epsilon * projection])
        centre, right, left = log_prob(shifted.view(3 * m * n, -1)).view(3, m, n)
        return ((right + left - 2 * centre + (right - left) ** 2 / 8) / epsilon**2).mean(0)

    @offer("objective.nonnegative")
    def nonnegative(score, x, *, h):
        x = x.detach().requires_grad_()
        weighted = h(x) * score(x)
        total = 0.5 * (h(x) * score(x) ** 2).sum(-1)
        for i in range(x.shape[-1]):
            (row,) = torch.autograd.grad(weighted[:, i].sum(), x, create_graph=True)
            total = total + row[:, i]
        return total

    @offer("objective.missing_marginal")
    def missing_marginal(density, x, mask, imputations, *, proposal_log_prob):
        x = x.detach().requires_grad_()
        completed = torch.where(mask, x, imputations)
        marginal = torch.logsumexp(density(completed) - proposal_log_prob, dim=0)
        (s,) = torch.autograd.grad(marginal.sum(), x, create_graph=True)
        total = 0.5 * (s**2).sum(-1)
        for i in range(x.shape[-1]):
            (row,) = torch.autograd.grad(s[:, i].sum(), x, create_graph=True)
            total = total + row[:, i]
        return total

    @offer("objective.path")
    def path(predict, x0, noise, t, *, alpha, sigma):
        scaled = sigma.view(-1, 1) * predict(alpha.view(-1, 1) * x0 + sigma.view(-1, 1) * noise, t)
        return 0.5 * ((scaled + noise) ** 2).sum(dim=-1) / sigma**2

    @offer("objective.edm")
    def edm(denoiser, x0, noise, sigma, *, sigma_data):
        weight = (sigma**2 + sigma_data**2) / (sigma * sigma_data) ** 2
        return weight * (denoiser(x0 + sigma.view(-1, 1) * noise, sigma) - x0).square().sum(dim=-1)

    @offer("objective.flow_matching")
    def flow_matching(velocity, x0, x1, t):
        s = t.view(-1, 1)
        return 0.5 * (velocity(torch.lerp(x0, x1, s), t) - (x1 - x0)).pow(2).sum(dim=-1)

    @offer("objective.conditional")
    def conditional(score, x0, condition, noise, sigma):
        level = sigma.view(-1, 1)
        noised = x0 + level * noise
        return 0.5 * sigma**2 * ((score(noised, sigma, condition) + noise / level) ** 2).sum(dim=-1)

    @offer("objective.consistency")
    def consistency(student, teacher, x0, noise, sigma_next, sigma):
        found = student(x0 + sigma_next[:, None] * noise, sigma_next)
        with torch.no_grad():
            target = teacher(x0 + sigma[:, None] * noise, sigma)
        return torch.nn.functional.mse_loss(found, target, reduction="none").sum(-1)

    return losses


def jax_losses():
    jax = importlib.import_module("jax")
    jnp = importlib.import_module("jax.numpy")
    losses = {}

    def offer(name):
        return lambda function: losses.setdefault(name, function)

    def quadratic(score, x, v):
        return jax.vmap(lambda row, w: w @ jax.jvp(score, (row,), (w,))[1])(x, v)

    @offer("trace.exact")
    def trace(score, x):
        return jax.vmap(lambda row: jnp.trace(jax.jacfwd(score)(row)))(x)

    @offer("trace.hutchinson")
    def hutchinson(score, x, projection):
        _, pull = jax.vjp(score, x)
        return jnp.mean(jnp.stack([(pull(v)[0] * v).sum(-1) for v in projection]), axis=0)

    @offer("objective.explicit")
    def explicit(score, x, data_score):
        return 0.5 * jnp.sum((score(x) - data_score) ** 2, axis=-1)

    @offer("objective.implicit")
    def implicit(score, x):
        return jax.vmap(lambda row: jnp.trace(jax.jacrev(score)(row)) + 0.5 * jnp.dot(score(row), score(row)))(x)

    @offer("objective.denoising")
    def denoising(score, x0, noise, sigma):
        return 0.5 * jnp.sum((score(x0 + sigma * noise) + noise / sigma) ** 2, axis=-1)

    @offer("objective.multilevel")
    def multilevel(score, x0, noise, sigma):
        residual = jax.vmap(lambda x, z, level: level * score(x + level * z, level) + z)(x0, noise, sigma)
        return 0.5 * jnp.sum(residual**2, axis=-1)

    @offer("objective.sliced")
    def sliced(score, x, projection):
        def one(v):
            return quadratic(score, x, v) + 0.5 * jnp.sum(v * score(x), axis=-1) ** 2

        return jax.vmap(one)(projection).mean(0)

    @offer("objective.sliced_variance_reduced")
    def sliced_variance_reduced(score, x, projection):
        curvature = jax.vmap(lambda v: quadratic(score, x, v))(projection).mean(0)
        return curvature + 0.5 * jnp.sum(score(x) ** 2, axis=-1)

    @offer("objective.finite_difference")
    def finite_difference(log_prob, x, projection, *, epsilon):
        right, left = (jax.vmap(lambda v, e=e: log_prob(x + e * v))(projection) for e in (epsilon, -epsilon))
        slope = (right - left) / (2 * epsilon)
        return jnp.mean((right - log_prob(x) + left - log_prob(x)) / epsilon**2 + 0.5 * slope**2, axis=0)

    @offer("objective.nonnegative")
    def nonnegative(score, x, *, h):
        def one(row):
            diagonal = jnp.diagonal(jax.jacfwd(score)(row))
            return jnp.sum(h(row) * (0.5 * score(row) ** 2 + diagonal) + h.slope(row) * score(row))

        return jax.vmap(one)(x)

    @offer("objective.missing_marginal")
    def missing_marginal(density, x, mask, imputations, *, proposal_log_prob):
        completed = jnp.where(mask, x, imputations)
        weight = jax.nn.softmax(density(completed) - proposal_log_prob, axis=0)[..., None]
        s, diagonal = density.score(completed), density.score_diagonal(completed)
        mean = (weight * s).sum(0)
        divergence = (weight * (diagonal + s**2)).sum(0) - mean**2
        return jnp.sum(jnp.where(mask, divergence + 0.5 * mean**2, 0), axis=-1)

    @offer("objective.path")
    def path(predict, x0, noise, t, *, alpha, sigma):
        def one(x, z, t, a, s):
            return 0.5 * jnp.sum((predict(a * x + s * z, t) + z / s) ** 2)

        return jax.vmap(one)(x0, noise, t, alpha, sigma)

    @offer("objective.edm")
    def edm(denoiser, x0, noise, sigma, *, sigma_data):
        def one(x, z, s):
            return jnp.sum((denoiser(x + s * z, s) - x) ** 2) * (1 / s**2 + 1 / sigma_data**2)

        return jax.vmap(one)(x0, noise, sigma)

    @offer("objective.flow_matching")
    def flow_matching(velocity, x0, x1, t):
        def one(a, b, s):
            return 0.5 * jnp.sum((velocity((1 - s) * a + s * b, s) - (b - a)) ** 2)

        return jax.vmap(one)(x0, x1, t)

    @offer("objective.conditional")
    def conditional(score, x0, condition, noise, sigma):
        def one(x, y, z, level):
            return 0.5 * jnp.sum((level * score(x + level * z, level, y) + z) ** 2)

        return jax.vmap(one)(x0, condition, noise, sigma)

    @offer("objective.consistency")
    def consistency(student, teacher, x0, noise, sigma_next, sigma):
        target = jax.lax.stop_gradient(teacher(x0 + sigma[:, None] * noise, sigma))
        return jnp.sum((student(x0 + sigma_next[:, None] * noise, sigma_next) - target) ** 2, axis=-1)

    return losses
