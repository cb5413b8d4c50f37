"""Log p(x|z) and bits per dimension of small models with the discretized logistic likelihood, for grey and colour
images, in PyTorch, float64.
Run: python3 logistic.py > logistic.json  (torch 2.13.0, numpy)"""
import json
import math

import numpy as np
import torch
from torch.distributions import Normal, kl_divergence
from torch.nn import functional as F

B, L, Z, HIDDEN = 4, 3, 2, [6, 5]
SHAPES = {"grey": (4, 3, 1), "colour": (4, 3, 3)}
ACTIVATIONS = {"encoder": [F.elu, torch.tanh], "decoder": [torch.tanh, F.elu]}


def weyl(shape, low, high, start=0):
    """Weyl's sequence in float32, as in test/helpers.ts, so that inputs need not be stored."""
    i = np.arange(start + 1, start + 1 + math.prod(shape))
    values = (low + (high - low) * ((i * 0.6180339887498949) % 1)).astype(np.float32)
    return torch.tensor(values.reshape(shape), dtype=torch.float64)


def weights(D, channels):
    params = {}
    for network, sizes in {"encoder": [D, *HIDDEN, 2 * Z], "decoder": [Z, *HIDDEN[::-1], D]}.items():
        for layer, (n_in, n_out) in enumerate(zip(sizes, sizes[1:])):
            params[f"{network}.{layer}.weight"] = weyl((n_in, n_out), -1, 1, 100 * len(params))
            params[f"{network}.{layer}.bias"] = weyl((n_out,), -0.5, 0.5, 100 * len(params))
    # Scales of 0.04, 0.45 and 0.1. A narrow scale leaves many pixels in the tails.
    params["likelihood.logScales"] = weyl((channels,), -2, 2, 100 * len(params))
    return params


def network(name, params, x):
    for layer in range(len(HIDDEN) + 1):
        x = x @ params[f"{name}.{layer}.weight"] + params[f"{name}.{layer}.bias"]
        if layer < len(HIDDEN):
            x = ACTIVATIONS[name][layer](x)
    return x


def log_likelihood(x, outputs, scales):
    """log p(x|z), summed over pixels. x and outputs: [..., pixels, channels], scales: [channels]. A bin's probability
    is a difference of two CDF values. Bins above the mean are mirrored below it, where the CDF keeps its precision."""
    lower = torch.where(x == 0, -math.inf, x - 1 / 510)
    upper = torch.where(x == 1, math.inf, x + 1 / 510)
    mean = torch.sigmoid(outputs)
    a, b = (lower - mean) / scales, (upper - mean) / scales
    a, b = torch.where(x > mean, -b, a), torch.where(x > mean, -a, b)
    return torch.log(torch.sigmoid(b) - torch.sigmoid(a)).sum((-2, -1))


def case(height, width, channels):
    D, pixels = height * width * channels, height * width
    params = weights(D, channels)
    scales = 0.1 * torch.exp(params["likelihood.logScales"])
    # Some pixels are black or white, the bins that extend to infinity.
    x = weyl((B, D), -40, 296).clamp(0, 255).floor() / 255
    mu, log_sigma = network("encoder", params, x).chunk(2, dim=1)
    posterior, prior = Normal(mu[:, None], log_sigma.exp()[:, None]), Normal(0.0, 1.0)
    z = posterior.mean + posterior.stddev * weyl((B, L, Z), -2, 2, 1000)
    in_channels = lambda values: values.reshape(*values.shape[:-1], pixels, channels)
    per_draw = lambda z: log_likelihood(in_channels(x)[:, None], in_channels(network("decoder", params, z)), scales)
    reconstruction, kl = per_draw(z).mean(1), kl_divergence(posterior, prior).sum((1, 2))
    weights_of_draws = per_draw(z) + (prior.log_prob(z) - posterior.log_prob(z)).sum(-1)
    nll = math.log(L) - torch.logsumexp(weights_of_draws, 1)
    bits = lambda nats: (nats / (D * math.log(2))).tolist()
    return {
        "height": height,
        "width": width,
        "channels": channels,
        "logLikelihood": per_draw(weyl((B, L, Z), -2, 2, 5000)).flatten().tolist(),
        "bits": {"elbo": bits(kl - reconstruction), "nll": bits(nll)},
    }


sizes = {"batch": B, "draws": L, "dimZ": Z, "nHidden": HIDDEN}
print(json.dumps({**sizes, "cases": {name: case(*shape) for name, shape in SHAPES.items()}}))
