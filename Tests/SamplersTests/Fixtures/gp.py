"""Writes gp.json: kernels, likelihoods, posteriors and improvements of Optuna 5's GPSampler.

Run with optuna 5.0.0, torch 2.15.0, scipy 1.17.1 and scikit-learn 1.9.1, which is the second witness: the
script fails where the two differ by more than 1e-9 (scikit-learn adds no jitter, and knows no categories:
they are given to it as 1 / sqrt 2 at the chosen one).
"""
import json, math, pathlib
import numpy as np
import torch
from optuna._gp import acqf, gp, prior
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

rng = np.random.default_rng(11)
cases = []
for n, numbers, choices, noise in [(4, 1, [], 1e-6), (15, 3, [], 1e-3), (40, 6, [], 0.05), (25, 2, [3, 4], 1e-2),
                                   (60, 8, [5, 2], 1e-4)]:
    d = numbers + len(choices)
    draw = lambda m: np.hstack([rng.random((m, numbers))] + [rng.integers(0, c, (m, 1)) for c in choices]).astype(float)
    x, t = draw(n), draw(12)
    y = np.sin(4 * x).sum(axis=1) + 0.1 * rng.normal(size=n)
    y = (y - y.mean()) / y.std()
    a = np.exp(rng.normal(size=d)); v = float(np.exp(0.3 * rng.normal()))
    categorical = torch.tensor([False] * numbers + [True] * len(choices))
    raw = torch.tensor(np.concatenate([np.log(a), [math.log(v), math.log(noise)]]), requires_grad=True)
    noise_var = torch.exp(raw[d + 1]) + prior.DEFAULT_MINIMUM_NOISE_VAR
    model = gp.GPRegressor(categorical, torch.from_numpy(x), torch.from_numpy(y), torch.exp(raw[:d]),
                           torch.exp(raw[d]), noise_var)
    mll = model.marginal_log_likelihood(); lp = prior.default_log_prior(model)
    (-mll - lp).backward()
    gradient = raw.grad.numpy().tolist()
    model = gp.GPRegressor(categorical, torch.from_numpy(x), torch.from_numpy(y), torch.exp(raw[:d]).detach(),
                           torch.exp(raw[d]).detach(), noise_var.detach())
    model._cache_matrix()
    points = torch.from_numpy(t).requires_grad_(True)
    mean, var = model.posterior(points)
    f0 = float(y.max())
    ei = acqf.logei(mean, var + 1e-12, f0)
    ei.sum().backward()

    def features(z):
        hot = [np.eye(c)[z[:, numbers + k].astype(int)] / math.sqrt(2) for k, c in enumerate(choices)]
        return np.hstack([z[:, :numbers]] + hot)
    scales = np.concatenate([a[:numbers]] + [np.full(c, a[numbers + k]) for k, c in enumerate(choices)]) ** -0.5
    kernel = ConstantKernel(v) * Matern(length_scale=scales, nu=2.5) + WhiteKernel(float(noise_var.detach()))
    other = GaussianProcessRegressor(kernel, alpha=0, optimizer=None).fit(features(x), y)
    m, s = other.predict(features(t), return_std=True)
    tolerance = 1e-9 if noise >= 1e-3 else 1e-7
    mll, lp = float(mll.detach()), float(lp.detach())  # Optuna leaves the constant out
    witness = other.log_marginal_likelihood_value_ + n / 2 * math.log(2 * math.pi)
    assert abs(witness - mll) < tolerance * max(1, abs(mll)), n
    assert np.abs(m - mean.detach().numpy()).max() < tolerance, n
    assert np.abs(s ** 2 - float(noise_var) - var.detach().numpy()).max() < tolerance, n
    cases.append(dict(
        choices=[0] * numbers + choices, points=x.tolist(), scores=y.tolist(), inverseSquaredScales=a.tolist(),
        signal=v, noise=float(noise_var), logLikelihood=mll, logPrior=lp, gradient=gradient,
        candidates=t.tolist(), means=mean.tolist(), variances=var.tolist(), threshold=f0, logImprovements=ei.tolist(),
        # torch's automatic derivative is NaN where z Phi(z) + phi(z) is taken by its second formula
        slopes=[[g if math.isfinite(g) else None for g in row] for row in points.grad.numpy()[:, :numbers].tolist()]))
z = np.concatenate([np.linspace(-30, 8, 77), [-24.99, -25.01, -100, -1e3, 1e-8, 50]])
table = acqf.standard_logei(torch.from_numpy(z)).tolist()
pathlib.Path(__file__).with_name("gp.json").write_text(
    json.dumps(dict(cases=cases, z=z.tolist(), logStandard=table)) + "\n")
