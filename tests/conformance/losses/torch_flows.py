"""Flow matching, conditional scores, consistency, and the rest in torch, as libraries and tutorials have them."""

from tests.conformance.losses.form import collector

try:
    import torch
    import torch.nn.functional as F
except ModuleNotFoundError:  # the forms are listed without torch, and run with it
    torch = F = None

__all__ = ["FORMS"]

FORMS, written = collector()

EVERYTHING = {"factor": 1, "reduction": "mean", "dimension": "mean"}


def at(level):
    return level.view(-1, 1)


@written("torchcfm: ConditionalFlowMatcher", "flow_matching", **EVERYTHING)
def cfm(velocity, x0, x1, t):
    t_ = t.reshape(-1, *([1] * (x0.dim() - 1)))
    mu_t = t_ * x1 + (1 - t_) * x0
    xt = mu_t + 0.0 * x0
    ut = x1 - x0
    return torch.mean((velocity(xt, t) - ut) ** 2)


@written("flow_matching: CondOT", "flow_matching", noise="recorded", **EVERYTHING)
def cond_ot(velocity, x_0, t):
    x_1 = torch.randn_like(x_0)
    alpha, sigma = at(1 - t), at(t)
    x_t = sigma * x_1 + alpha * x_0
    dx_t = torch.ones_like(t).view(-1, 1) * x_1 + -torch.ones_like(t).view(-1, 1) * x_0
    return torch.pow(velocity(x_t, t) - dx_t, 2).mean()


@written("RectifiedFlow: reduce_mean=False", "flow_matching", reduction="mean")
def rectified_flow(velocity, z0, batch, t):
    perturbed = at(t) * batch + (1.0 - at(t)) * z0
    losses = torch.square(velocity(perturbed, t) - (batch - z0))
    return torch.mean(0.5 * torch.sum(losses.reshape(len(z0), -1), dim=-1))


@written("diffusers scripts: SD3", "flow_matching", **EVERYTHING)
def sd3(velocity, x0, x1, t):
    sigmas, weighting = at(t), torch.ones_like(at(t))
    noisy = (1.0 - sigmas) * x0 + sigmas * x1
    target = x1 - x0
    return torch.mean((weighting * (velocity(noisy, t) - target) ** 2).reshape(len(x0), -1), 1).mean()


@written("half of a sum of squares", "flow_matching", reduction="sum")
def flow_sum(velocity, x0, x1, t):
    return (velocity(torch.lerp(x0, x1, at(t)), t) - x1 + x0).square().sum() / 2


@written("ncsn with labels", "conditional", reduction="mean", noise="recorded")
def conditional_of_ncsn(score, samples, y, sigmas):
    used = at(sigmas)
    perturbed = samples + torch.randn_like(samples) * used
    target = -1 / (used**2) * (perturbed - samples)
    loss = 1 / 2.0 * ((score(perturbed, sigmas, y) - target) ** 2).sum(dim=-1) * sigmas**2
    return loss.mean(dim=0)


@written("score SDE with a condition", "conditional", **EVERYTHING)
def conditional_of_sdes(score, x0, condition, noise, sigma):
    std = sigma[:, None]
    return torch.square(score(x0 + std * noise, sigma, condition) * std + noise).mean()


@written("no weight, one value a sample", "conditional", factor=1, weight="one")
def conditional_unweighted(score, x0, condition, noise, sigma):
    return torch.linalg.vector_norm(score(x0 + at(sigma) * noise, sigma, condition) + noise / at(sigma), dim=1) ** 2


def mean_flat(value):
    return value.mean(dim=list(range(1, value.dim())))


@written("consistency_models: training, l2, uniform", "consistency", dimension="mean")
def consistency_of_official_code(student, teacher, x_start, noise, sigma_next, sigma):
    x_t = x_start + noise * at(sigma_next)
    distiller = student(x_t, sigma_next)
    with torch.no_grad():
        d = (x_t - x_start) / at(sigma_next)
        x_t2 = x_t + d * at(sigma - sigma_next)
        target = teacher(x_t2, sigma)
    return mean_flat((distiller - target.detach()) ** 2)


@written("consistency_models: training, l2, snr", "consistency", dimension="mean", reduction="mean", weight="snr")
def consistency_by_snr(student, teacher, x0, noise, sigma_next, sigma):
    weights = sigma_next**-2
    target = teacher(x0 + at(sigma) * noise, sigma).detach()
    return (mean_flat((student(x0 + at(sigma_next) * noise, sigma_next) - target) ** 2) * weights).mean()


@written("improved consistency training, squared", "consistency", reduction="mean", weight="inverse_step")
def consistency_improved(student, teacher, x0, noise, sigma_next, sigma):
    found = student(x0 + at(sigma_next) * noise, sigma_next)
    with torch.no_grad():
        target = teacher(x0 + at(sigma) * noise, sigma)
    return ((found - target).pow(2).sum(1) / (sigma_next - sigma)).mean()


@written("F.mse_loss with the teacher", "consistency", reduction="mean", dimension="mean")
def consistency_by_mse(student, teacher, x0, noise, sigma_next, sigma):
    with torch.no_grad():
        target = teacher(x0 + noise * at(sigma), sigma)
    return F.mse_loss(student(x0 + noise * at(sigma_next), sigma_next), target)
