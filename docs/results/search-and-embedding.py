"""What of an embedding goes with a good search: rank correlations over the pretrainings of a sweep.

python search-and-embedding.py results-000.parquet quality.json

results-000.parquet: of a sweep that has ended; quality.json: rxnas evaluate-embedding runs/table1/pretrain-* … --json
"""

import json
import sys

import pandas as pd
from scipy.stats import spearmanr

results = pd.read_parquet(sys.argv[1])
last = results.sort_values("query").groupby(["variant", "pretrain_seed", "seed"]).tail(1)
found = last.groupby(["variant", "pretrain_seed"])["best_test"].mean().rename("test").reset_index()

with open(sys.argv[2]) as file:
    controllers = json.load(file)["controllers"]
rows = []
for controller in controllers:
    quality = controller["quality"]
    probes = {f"linear probe, {s['train']} cells": s["linear"] for s in quality["accuracy"]["surrogates"]}
    near = {f"5 nearest, {s['train']} cells": s["nearest"] for s in quality["accuracy"]["surrogates"]}
    distances = {f"embedding distance at {d['distance']} edits": d["mean"] for d in quality["locality"]["byDistance"]}
    rows.append(
        {
            "variant": controller["loss"],
            "pretrain_seed": int(controller["path"].rstrip("/").split("-")[-1]),
            "distance correlation": quality["locality"]["correlation"],
            "ten nearest within 3 edits": quality["locality"]["purity"],
            "accuracy differs between neighbours": quality["accuracy"]["roughness"],
            **distances,
            **probes,
            **near,
        }
    )
both = pd.DataFrame(rows).merge(found, on=["variant", "pretrain_seed"])
columns = [column for column in both if column not in ("variant", "pretrain_seed", "test")]
means = both.groupby("variant")[[*columns, "test"]].mean()
within = both[[*columns, "test"]] - both.groupby("variant")[[*columns, "test"]].transform("mean")

print(f"{len(both)} pretrainings of {len(means)} losses; Spearman's rho with the test accuracy found (p)")
print("| figure | all | within losses | means of losses |\n| --- | --: | --: | --: |")
for column in columns:
    cells = [spearmanr(table[column], table["test"]) for table in (both, within, means)]
    print("|", column, "|", " | ".join(f"{c.statistic:.2f} ({c.pvalue:.3f})" for c in cells), "|")
