"""Five training steps of small models in PyTorch, float64, with TensorFlow 1's formulation of Adam.
Run: python3 step.py > step.json  (torch 2.13.0, numpy)"""
import json
import math

import numpy as np
import torch
from torch.distributions import Bernoulli, Normal
from torch.nn import functional as F

D, Z, B, STEPS = 12, 2, 4, 5
ACTIVATIONS = {
    "elu": F.elu,
    "relu": F.relu,
    "sigmoid": torch.sigmoid,
    "silu": F.silu,
    "softplus": F.softplus,
    "tanh": torch.tanh,
}
# Settings that differ from the tutorial's, named as in config.json.
CASES = {
    "the tutorial's, with dropout and noise": {"nHidden": [6, 6], "keepProb": 0.8, "noise": "salt-pepper"},
    "three draws of z, a weighted KL term, silu and softplus": {
        "nHidden": [7, 6, 5],
        "keepProb": 0.8,
        "mcSamples": 3,
        "beta": 4,
        "klWarmUp": 1,
        "encoderActivations": ["silu"],
        "decoderActivations": ["softplus", "sigmoid"],
        "sigma": "exp",
    },
    "the importance-weighted bound of three draws": {
        "nHidden": [6],
        "keepProb": 0.8,
        "objective": "iwae",
        "importanceSamples": 3,
        "klWarmUp": 1,
        "encoderActivations": ["relu"],
        "decoderActivations": ["tanh"],
        "sigma": "exp",
        "adamBeta1": 0.8,
        "adamBeta2": 0.99,
        "adamEpsilon": 1e-4,
        "weightDecay": 0.5,
    },
    "a plain autoencoder of normal pixels": {
        "model": "ae",
        "nHidden": [6, 5],
        "keepProb": 1,
        "likelihood": "gaussian",
        "pixelSigma": 0.3,
    },
}
DEFAULTS = {
    "model": "vae",
    "objective": "elbo",
    "mcSamples": 1,
    "importanceSamples": 1,
    "beta": 1,
    "klWarmUp": 0,
    "noise": "none",
    "encoderActivations": ["elu", "tanh"],
    "decoderActivations": ["tanh", "elu"],
    "sigma": "softplus",
    "likelihood": "bernoulli",
    "adamBeta1": 0.9,
    "adamBeta2": 0.999,
    "adamEpsilon": 1e-8,
    "weightDecay": 0,
    "learningRate": 1e-2,
}


def tensor(array):
    return torch.tensor(array, dtype=torch.float64)


def plain(value):
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return {"shape": list(value.shape), "data": value.reshape(-1).tolist()}


def run(given, rng):
    c = {**DEFAULTS, **given}
    hidden, keep = c["nHidden"], c["keepProb"]
    is_vae = c["model"] == "vae"
    L = max(c["mcSamples"], c["importanceSamples"])
    widths = {"encoder": [D, *hidden, 2 * Z if is_vae else Z], "decoder": [Z, *hidden[::-1], D]}
    params = {}
    for network, sizes in widths.items():
        for layer, (n_in, n_out) in enumerate(zip(sizes, sizes[1:])):
            # Rounded to float32, so that the tests start from the same numbers.
            params[f"{network}.{layer}.weight"] = rng.normal(0, n_in**-0.5, (n_in, n_out)).astype(np.float32)
            params[f"{network}.{layer}.bias"] = rng.normal(0, 0.1, n_out).astype(np.float32)
    inputs = {
        "images": rng.integers(0, 256, (STEPS, B, D)),
    }
    if c["klWarmUp"]:
        inputs["klWeight"] = (c["beta"] * np.array([0.2, 0.4, 0.6, 0.8, 1])).astype(np.float32)
    if is_vae:
        inputs["epsilon"] = rng.normal(size=(STEPS, B, L, Z)).astype(np.float32)
    if c["noise"] != "none":
        inputs["corrupted"] = rng.uniform(0, 2, (STEPS, B, D)).astype(np.float32)
    if keep < 1:
        inputs["masks"] = {
            f"{network}.{i}": (rng.uniform(size=(STEPS, rows, sizes[i + 1])) < keep).astype(int)
            for network, rows, sizes in [("encoder", B, widths["encoder"]), ("decoder", B * L, widths["decoder"])]
            for i in range(len(hidden))
        }

    def network(name, x, state, step):
        activations = c[f"{name}Activations"]
        for i in range(len(hidden) + 1):
            x = x @ state[f"{name}.{i}.weight"] + state[f"{name}.{i}.bias"]
            if i < len(hidden):
                x = ACTIVATIONS[activations[min(i, len(activations) - 1)]](x)
                if keep < 1:
                    x = x * tensor(inputs["masks"][f"{name}.{i}"][step]) / keep
        return x

    def log_likelihood(x, logits):
        if c["likelihood"] == "gaussian":
            return Normal(torch.sigmoid(logits), c["pixelSigma"]).log_prob(x).sum(-1)
        return Bernoulli(logits=logits, validate_args=False).log_prob(x).sum(-1)

    def terms(state, step):
        x = tensor(inputs["images"][step]) / 255
        seen = tensor(inputs["corrupted"][step]) if "corrupted" in inputs else x
        heads = network("encoder", seen, state, step)
        if not is_vae:
            reconstruction = log_likelihood(x, network("decoder", heads, state, step)).mean()
            reported = {"objective": reconstruction, "reconstruction": reconstruction, "kl": torch.zeros(())}
            return reported, reconstruction
        mu, rho = heads.chunk(2, dim=1)
        sigma = torch.exp(rho) if c["sigma"] == "exp" else 1e-6 + F.softplus(rho)
        z = mu[:, None] + sigma[:, None] * tensor(inputs["epsilon"][step])
        logits = network("decoder", z.reshape(B * L, Z), state, step).reshape(B, L, D)
        per_draw = log_likelihood(x[:, None], logits)
        reconstruction = per_draw.mean()
        kl = (0.5 * (mu**2 + sigma**2 - torch.log(1e-8 + sigma**2) - 1).sum(1)).mean()

        def bound(weight):
            if c["objective"] == "elbo":
                return reconstruction - weight * kl
            log_p = Normal(0.0, 1.0).log_prob(z).sum(-1)
            log_q = Normal(mu[:, None], sigma[:, None]).log_prob(z).sum(-1)
            return (torch.logsumexp(per_draw + weight * (log_p - log_q), 1) - math.log(L)).mean()

        # Metrics have the full KL weight, the maximized bound has the warm-up's.
        weight = float(inputs["klWeight"][step]) if "klWeight" in inputs else c["beta"]
        return {"objective": bound(c["beta"]), "reconstruction": reconstruction, "kl": kl}, bound(weight)

    state = {name: tensor(value).requires_grad_() for name, value in params.items()}
    m = {name: torch.zeros_like(value) for name, value in state.items()}
    v = {name: torch.zeros_like(value) for name, value in state.items()}
    metrics = {"objective": [], "reconstruction": [], "kl": []}
    b1, b2 = c["adamBeta1"], c["adamBeta2"]
    for step in range(STEPS):
        values, maximized = terms(state, step)
        for name, value in values.items():
            metrics[name].append(value.item())
        gradients = dict(zip(state, torch.autograd.grad(-maximized, state.values())))
        t = step + 1
        rate = c["learningRate"] * (1 - b2**t) ** 0.5 / (1 - b1**t)
        for name, g in gradients.items():
            m[name] = b1 * m[name] + (1 - b1) * g
            v[name] = b2 * v[name] + (1 - b2) * g**2
            decay = c["learningRate"] * c["weightDecay"] if name.endswith("weight") else 0
            update = decay * state[name] + rate * m[name] / (v[name].sqrt() + c["adamEpsilon"])
            state[name] = (state[name] - update).detach().requires_grad_()
    return {
        "settings": {**given, "dimZ": Z, "learningRate": c["learningRate"]},
        "params": plain(params),
        "inputs": plain(inputs),
        "metrics": metrics,
        "final": plain({name: value.detach() for name, value in state.items()}),
    }


rng = np.random.default_rng(0)
print(json.dumps({"steps": STEPS, "pixels": D, "cases": {name: run(given, rng) for name, given in CASES.items()}}))
