"""The tutorial's training step in PyTorch: eager; with fused Adam; compiled, with fused Adam."""
import torch
from contender import BATCH, LATENT, THREADS, arguments, images, serve, shapes
from torch import nn
from torch.nn import functional as F

variant, keep_prob = arguments()
torch.set_num_threads(THREADS)
pixels = torch.from_numpy(images().copy()).float() / 255


class Vae(nn.Module):
    def __init__(self):
        super().__init__()
        encoder, decoder = ([nn.Linear(n_in, n_out) for n_in, n_out in part] for part in shapes())
        drop = [nn.Dropout(1 - keep_prob)] if keep_prob < 1 else []
        self.encoder = nn.Sequential(encoder[0], nn.ELU(), *drop, encoder[1], nn.Tanh(), *drop, encoder[2])
        self.decoder = nn.Sequential(decoder[0], nn.Tanh(), *drop, decoder[1], nn.ELU(), *drop, decoder[2])

    def forward(self, x):
        mu, rho = self.encoder(x).chunk(2, 1)
        sigma = 1e-6 + F.softplus(rho)
        logits = self.decoder(mu + sigma * torch.randn_like(mu))
        reconstruction = F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / BATCH
        kl = 0.5 * (mu**2 + sigma**2 - torch.log(1e-8 + sigma**2) - 1).sum() / BATCH
        return reconstruction + kl


model = Vae()
optimizer = torch.optim.Adam(model.parameters(), 1e-3, fused=variant != "eager")
loss_of = torch.compile(model) if variant == "compile" else model


def run(steps):
    order = torch.randint(len(pixels), (steps, BATCH))
    total = torch.zeros(())
    for batch in order:
        optimizer.zero_grad(set_to_none=True)
        loss = loss_of(pixels[batch])
        loss.backward()
        optimizer.step()
        total += loss.detach()
    total.item()


serve(run)
