"""Golden figures for what test/golden/losses.json does not have: every loss with every miner and with none, further losses and miners,
and other reducers, computed by pytorch-metric-learning itself.

Writes test/golden/extra_losses.json. Needs torch 2.0.1, numpy < 2, scipy, and pytorch-metric-learning in two versions, one after the
other (SupCon came after 0.9.88):

    PYTHONPATH=<0.9.88> python bench/peer/golden_extra.py test/golden/extra_losses.json
    PYTHONPATH=<2.8.1>  python bench/peer/golden_extra.py test/golden/extra_losses.json

Each run replaces the results of its own losses. Everything is float64; embeddings are rounded to 12 digits before use; losses and
miners are named and parametrised as in rxnas.
"""

import json
import os
import sys

import numpy as np
import torch

torch.set_default_dtype(torch.float64)

import pytorch_metric_learning as pml
from pytorch_metric_learning import losses, miners, reducers

OLD = pml.__version__ == "0.9.88"

CASES = {
    # Classes of 4, 3, 3, 2, 1 rows, shuffled labels; a loose and a clustered batch.
    "uneven_random": (7, [5, 2, 9, 2, 5, 0, 9, 5, 2, 0, 7, 9, 5], 5, 100.0),
    "uneven_clustered": (8, [1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 6], 6, 0.5),
}


def loss_table():
    if not OLD:
        return {"SupCon": ({}, losses.SupConLoss(temperature=0.1)), "SupCon/warm": ({"temperature": 0.5}, losses.SupConLoss(temperature=0.5))}
    return {
        "TripletMargin": ({}, losses.TripletMarginLoss(margin=0.1)),
        "Contrastive": ({}, losses.ContrastiveLoss(pos_margin=0, neg_margin=1)),
        "Contrastive/cosine": (
            {"distance": "Cosine", "positiveMargin": 0.9, "negativeMargin": 0.2},
            losses.ContrastiveLoss(pos_margin=0.9, neg_margin=0.2, use_similarity=True),
        ),
        "Contrastive/squared": ({"distance": "SquaredEuclidean"}, losses.ContrastiveLoss(squared_distances=True)),
        "Margin": ({}, losses.MarginLoss(margin=0.2, nu=0, beta=1.2)),
        "GeneralizedLiftedStructure": ({}, losses.GeneralizedLiftedStructureLoss(neg_margin=1)),
        "LiftedStructure": ({}, losses.LiftedStructureLoss(neg_margin=1)),
        "MultiSimilarity": ({}, losses.MultiSimilarityLoss(alpha=2, beta=30, base=1)),
        "MultiSimilarity/base": ({"alpha": 3, "beta": 50, "base": 0.5}, losses.MultiSimilarityLoss(alpha=3, beta=50, base=0.5)),
        "NPairs": ({}, losses.NPairsLoss()),
        "Angular": ({}, losses.AngularLoss(alpha=45)),
        "Angular/36": ({"alpha": 36}, losses.AngularLoss(alpha=36)),
        "TupletMargin": ({}, losses.TupletMarginLoss(margin=5.73, scale=64)),
        "NTXent": ({}, losses.NTXentLoss(temperature=0.07)),
        "NTXent/warm": ({"temperature": 0.5}, losses.NTXentLoss(temperature=0.5)),
        "Circle": ({}, losses.CircleLoss(m=0.4, gamma=80)),
        "Circle/faces": ({"margin": 0.25, "gamma": 256}, losses.CircleLoss(m=0.25, gamma=256)),
        "NCA": ({}, losses.NCALoss(softmax_scale=1)),
        "NCA/sharp": ({"scale": 8}, losses.NCALoss(softmax_scale=8)),
    }


def miner_table():
    table = {
        "None": ({}, None),
        "TripletMargin/semihard": ({"margin": 0.1, "type": "semihard"}, miners.TripletMarginMiner(0.1, "semihard")),
        "TripletMargin/hard": ({"margin": 0.1, "type": "hard"}, miners.TripletMarginMiner(0.1, "hard")),
        "TripletMargin/all": ({"margin": 0.2, "type": "all"}, miners.TripletMarginMiner(0.2, "all")),
        "TripletMargin/easy": ({"margin": 0.2, "type": "easy"}, miners.TripletMarginMiner(0.2, "easy")),
        "Angular": ({"angle": 20}, miners.AngularMiner(20)),
        "MultiSimilarity": ({"epsilon": 0.1}, miners.MultiSimilarityMiner(0.1)),
        "BatchHard": ({}, miners.BatchHardMiner()),
    }
    # Later versions mine other angles: they normalise the centre of anchor and positive too.
    return table if OLD else {name: table[name] for name in ("None", "TripletMargin/semihard", "MultiSimilarity")}


def reducer_table():
    """Losses with another reducer than their own."""
    if not OLD:
        return {}
    mean, non_zero, threshold = reducers.MeanReducer, reducers.AvgNonZeroReducer, lambda: reducers.ThresholdReducer(0.3)
    return {
        "TripletMargin": [("Mean", losses.TripletMarginLoss(0.1, reducer=mean())), ("Threshold", losses.TripletMarginLoss(0.5, reducer=threshold()))],
        "Contrastive": [("Mean", losses.ContrastiveLoss(reducer=mean())), ("Threshold", losses.ContrastiveLoss(reducer=threshold()))],
        "GeneralizedLiftedStructure": [("AvgNonZero", losses.GeneralizedLiftedStructureLoss(1, reducer=non_zero()))],
        "LiftedStructure": [("Threshold", losses.LiftedStructureLoss(1, reducer=threshold()))],
        "MultiSimilarity": [("Threshold", losses.MultiSimilarityLoss(2, 30, 1, reducer=threshold()))],
        "NPairs": [("Threshold", losses.NPairsLoss(reducer=threshold()))],
        "Angular": [("Threshold", losses.AngularLoss(45, reducer=threshold()))],
        "TupletMargin": [("Threshold", losses.TupletMarginLoss(5.73, 64, reducer=threshold()))],
        "NTXent": [("Threshold", losses.NTXentLoss(0.07, reducer=threshold()))],
        "Circle": [("Mean", losses.CircleLoss(reducer=mean()))],
        "NCA": [("Threshold", losses.NCALoss(1, reducer=threshold()))],
    }


REDUCER_PARAMS = {"Threshold": {"low": 0.3}}
LOSS_PARAMS_WITH_REDUCER = {("TripletMargin", "Threshold"): {"margin": 0.5}}


def digits(x):
    return float(f"{x:.12g}") if np.isfinite(x) else None


def embeddings_of(seed, labels, dim, noise):
    rng = np.random.default_rng(seed)
    centre = {label: rng.normal(size=dim) for label in sorted(set(labels))}
    rows = [centre[label] + noise * rng.normal(size=dim) for label in labels]
    return [[digits(x) for x in row] for row in rows]


def evaluate(loss, embeddings, labels, mined):
    x = torch.tensor(embeddings, requires_grad=True)
    value = loss(x, torch.tensor(labels), mined)
    if value.requires_grad:
        value.backward()
    grad = torch.zeros_like(x) if x.grad is None else x.grad
    return digits(value.item()), [digits(g) for g in grad.flatten().tolist()]


def main(path):
    old = json.load(open(path)) if os.path.exists(path) else {"cases": {}}
    result = {
        "source": "bench/peer/golden_extra.py",
        "torch": torch.__version__.split("+")[0],
        "versions": {**old.get("versions", {}), **{name: pml.__version__ for name in loss_table()}},
        "cases": {},
    }
    for name, (seed, labels, dim, noise) in CASES.items():
        embeddings = embeddings_of(seed, labels, dim, noise)
        case = {"labels": labels, "dim": dim, "embeddings": sum(embeddings, []), "mined": {}, "results": []}
        before = old["cases"].get(name, {"mined": {}, "results": []})
        case["results"] = [r for r in before["results"] if r["key"] not in loss_table()]
        case["mined"] = before["mined"]
        for miner_name, (miner_params, miner) in miner_table().items():
            x, y = torch.tensor(embeddings), torch.tensor(labels)
            mined = miner(x, y) if miner else None
            if mined is not None and OLD:
                case["mined"][miner_name] = {"params": miner_params, "tuples": [t.tolist() for t in mined]}
            run = [(key, params, loss, None) for key, (params, loss) in loss_table().items()]
            if miner_name in ("None", "TripletMargin/all"):
                for key, list_of in reducer_table().items():
                    run += [(key, LOSS_PARAMS_WITH_REDUCER.get((key, r), {}), loss, r) for r, loss in list_of]
            for key, params, loss, reducer in run:
                try:
                    value, grad = evaluate(loss, embeddings, labels, mined)
                except (RuntimeError, IndexError, AssertionError) as error:
                    print("left out:", name, miner_name, key, str(error)[:80])
                    continue
                if value is None or None in grad:
                    print("not finite:", name, miner_name, key)
                    continue
                entry = {"key": key, "params": params, "miner": miner_name, "minerParams": miner_params, "value": value, "grad": grad}
                if reducer:
                    entry["reducer"] = {"name": reducer, **REDUCER_PARAMS.get(reducer, {})}
                case["results"].append(entry)
        result["cases"][name] = case
    with open(path, "w") as out:
        json.dump(result, out, separators=(",", ":"))
        out.write("\n")
    print(pml.__version__, sum(len(c["results"]) for c in result["cases"].values()), "results")


main(sys.argv[1])
