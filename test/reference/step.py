"""Five training steps of a small model in PyTorch, float64, with Adam written out as TensorFlow 1 computes it.
Run: python3 step.py > step.json  (torch 2.13.0, numpy)"""
import json

import numpy as np
import torch

D, H, Z, B, STEPS, KEEP, RATE = 12, 6, 2, 4, 5, 0.8, 1e-2
rng = np.random.default_rng(0)


def tensor(array):
    return torch.tensor(array, dtype=torch.float64)


widths = {"encoder": [D, H, H, 2 * Z], "decoder": [Z, H, H, D]}
params = {}
for network, sizes in widths.items():
    for layer, (n_in, n_out) in enumerate(zip(sizes, sizes[1:])):
        # Rounded to float32, so that the other side starts from the same numbers.
        params[f"{network}.{layer}.weight"] = rng.normal(0, n_in**-0.5, (n_in, n_out)).astype(np.float32)
        params[f"{network}.{layer}.bias"] = rng.normal(0, 0.1, n_out).astype(np.float32)
inputs = {
    "images": rng.integers(0, 256, (STEPS, B, D)),
    "corrupted": rng.uniform(0, 2, (STEPS, B, D)).astype(np.float32),
    "epsilon": rng.normal(size=(STEPS, B, Z)).astype(np.float32),
    "masks": {f"{n}.{i}": (rng.uniform(size=(STEPS, B, H)) < KEEP).astype(int) for n in widths for i in (0, 1)},
}


def layer(name, x, state):
    return x @ state[f"{name}.weight"] + state[f"{name}.bias"]


def terms(state, step):
    drop = lambda name, h: h * tensor(inputs["masks"][name][step]) / KEEP
    x = tensor(inputs["images"][step]) / 255
    h = drop("encoder.0", torch.nn.functional.elu(layer("encoder.0", tensor(inputs["corrupted"][step]), state)))
    h = drop("encoder.1", torch.tanh(layer("encoder.1", h, state)))
    mu, rho = layer("encoder.2", h, state).chunk(2, dim=1)
    sigma = 1e-6 + torch.nn.functional.softplus(rho)
    z = mu + sigma * tensor(inputs["epsilon"][step])
    h = drop("decoder.0", torch.tanh(layer("decoder.0", z, state)))
    h = drop("decoder.1", torch.nn.functional.elu(layer("decoder.1", h, state)))
    y = torch.distributions.Bernoulli(logits=layer("decoder.2", h, state), validate_args=False)
    reconstruction = y.log_prob(x).sum(1).mean()
    kl = (0.5 * (mu**2 + sigma**2 - torch.log(1e-8 + sigma**2) - 1).sum(1)).mean()
    return reconstruction, kl


state = {name: tensor(value).requires_grad_() for name, value in params.items()}
m = {name: torch.zeros_like(value) for name, value in state.items()}
v = {name: torch.zeros_like(value) for name, value in state.items()}
metrics = {"reconstruction": [], "kl": []}
for step in range(STEPS):
    reconstruction, kl = terms(state, step)
    metrics["reconstruction"].append(reconstruction.item())
    metrics["kl"].append(kl.item())
    gradients = dict(zip(state, torch.autograd.grad(kl - reconstruction, state.values())))
    t = step + 1
    rate = RATE * (1 - 0.999**t) ** 0.5 / (1 - 0.9**t)
    for name, g in gradients.items():
        m[name] = 0.9 * m[name] + 0.1 * g
        v[name] = 0.999 * v[name] + 0.001 * g**2
        state[name] = (state[name] - rate * m[name] / (v[name].sqrt() + 1e-8)).detach().requires_grad_()


def plain(value):
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    return {"shape": list(value.shape), "data": value.reshape(-1).tolist()}


print(
    json.dumps(
        {
            "keepProb": KEEP,
            "learningRate": RATE,
            "steps": STEPS,
            "params": plain(params),
            "inputs": plain(inputs),
            "metrics": metrics,
            "final": plain({name: value.detach() for name, value in state.items()}),
        }
    )
)
