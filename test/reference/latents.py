"""Classifiers and a Gaussian mixture of latents, with scikit-learn. Run: python3 latents.py > latents.json"""
import json
import warnings

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KNeighborsClassifier

random = np.random.default_rng(1)
DIMS, COUNT, TESTS = 3, 150, 60


def rounded(array):
    """Three decimals, rounded to float32 and returned as float64."""
    return np.asarray(np.round(array, 3).astype(np.float32), np.float64)


def digits(array):
    return [round(float(x), 3) for x in np.ravel(array)]


# Labels with gaps, overlapping classes, and a dimension of another scale.
labels = np.array([2, 5, 9])
centres = random.normal(size=(3, DIMS)) * [1.2, 1.2, 20]
spreads = np.array([1, 0.7, 15])
owners = np.arange(COUNT + TESTS) % 3
points = rounded(centres[owners] + random.normal(size=(COUNT + TESTS, DIMS)) * spreads)
train, test = points[:COUNT], points[COUNT:]
train_labels, test_labels = labels[owners[:COUNT]], labels[owners[COUNT:]]

knn = KNeighborsClassifier(10).fit(train, train_labels)
distances, _ = knn.kneighbors(test, 11)
assert (distances[:, 10] - distances[:, 9] > 1e-6).all()

mean, deviation = train.mean(0), train.std(0)
logistic = LogisticRegression(tol=1e-10, max_iter=10_000).fit((train - mean) / deviation, train_labels)
probabilities = logistic.predict_proba((test - mean) / deviation)

# Every EM step from one start, with the ridge of src/inference/gaussian-mixture.ts.
K = 3
ridge = 1e-6 * ((train - mean) ** 2).mean()
start = {"weights": np.full(K, 1 / K), "means": train[:K], "covariances": np.stack([np.diag(spreads**2)] * K)}
log_likelihoods = []
for steps in range(1, 16):
    mixture = GaussianMixture(
        K,
        tol=0,
        max_iter=steps,
        reg_covar=ridge,
        weights_init=start["weights"],
        means_init=start["means"],
        precisions_init=np.linalg.inv(start["covariances"]),
    )
    with warnings.catch_warnings(action="ignore"):
        mixture.fit(train)
    log_likelihoods.append(float(mixture.score(train)))

print(
    json.dumps(
        {
            "dims": DIMS,
            "train": {"latents": digits(train), "labels": train_labels.tolist()},
            "test": {"latents": digits(test), "labels": test_labels.tolist()},
            "knn": float(knn.score(test, test_labels)),
            "logistic": float(logistic.score((test - mean) / deviation, test_labels)),
            "probabilities": [round(float(p), 6) for p in probabilities.ravel()],
            "start": {
                "weights": start["weights"].tolist(),
                "means": digits(start["means"]),
                "spreads": spreads.tolist(),
            },
            "logLikelihoods": [round(x, 10) for x in log_likelihoods],
        }
    )
)
