"""Tests on the losses of a sweep together, beside those that rxnas makes one by one.

python pooled-tests.py results-000.parquet
"""

import sys

import numpy as np
import pandas as pd
from scipy.stats import f_oneway, kruskal, mannwhitneyu

results = pd.read_parquet(sys.argv[1])
last = results.sort_values("query").groupby(["variant", "pretrain_seed", "seed"]).tail(1)
searches = {name: rows["best_test"].to_numpy() for name, rows in last.groupby("variant")}
means = last.groupby(["variant", "pretrain_seed"])["best_test"].mean()
pretrainings = {name: means[name].to_numpy() for name in searches}
losses = [name for name in searches if name != "Random"]
metric = [name for name in losses if name != "NoMetric"]

print("losses differ (Kruskal-Wallis over pretrainings): p =", kruskal(*[pretrainings[name] for name in losses]).pvalue)
pooled = np.concatenate([pretrainings[name] for name in metric])
print("metric losses against NoMetric: p =", mannwhitneyu(pooled, pretrainings["NoMetric"]).pvalue)
pooled = np.concatenate([pretrainings[name] for name in losses])
print("pretrained against Random: p =", mannwhitneyu(pooled, pretrainings["Random"]).pvalue)

# Holm's correction of the tests against random search.
against = sorted((mannwhitneyu(searches[name], searches["Random"]).pvalue, name) for name in losses)
least = 0.0
for i, (p, name) in enumerate(against):
    least = max(least, min(1.0, p * (len(against) - i)))
    print(f"{name} against Random, over searches: p = {least:.4f} (Holm)")


def u(a, b):
    return (a[:, None] > b[None]).sum() + 0.5 * (a[:, None] == b[None]).sum()


# Many to one: the largest U of all losses against NoMetric, over permutations of all pretrainings.
groups = np.array([pretrainings[name] for name in [*metric, "NoMetric"]])
observed = max(u(group, groups[-1]) for group in groups[:-1])
random = np.random.default_rng(1)
count = 0
for _ in range(10_000):
    shuffled = random.permutation(groups.ravel()).reshape(groups.shape)
    count += max(u(group, shuffled[-1]) for group in shuffled[:-1]) >= observed
print("any metric loss above NoMetric (one-sided): p =", (count + 1) / 10_001)

two = last.groupby(["variant", "pretrain_seed"])["best_test"].apply(list)
two = pd.DataFrame([pair[:2] for name in losses for pair in two[name]])
if two.shape[1] == 2:
    print("correlation of two searches on one pretraining:", np.corrcoef(two[0], two[1])[0, 1])

# Of the sweep of Margin and NoMetric: searches made after the pair had been chosen, and whether pretrainings differ.
new = last[last["seed"] > 2000]
if len(new) > 0:
    pair = [new[new["variant"] == name] for name in ("Margin", "NoMetric")]
    second = [int((rows["rank"] <= 2).sum()) for rows in pair]
    print("new searches at rank 2:", second, "p =", mannwhitneyu(*[rows["best_test"] for rows in pair]).pvalue)
    own = last[last["variant"] == "NoMetric"].groupby("pretrain_seed")["best_test"]
    print("pretrainings of NoMetric differ: p =", f_oneway(*[values for _, values in own]).pvalue)
