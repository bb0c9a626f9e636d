"""Compares the peer with the golden figures, so that the bench times the same computation: python check.py FOLDER (test/golden)."""

import json
import os
import sys

import torch

torch.set_default_dtype(torch.float64)

import cells
import numpy as np
from controller import Controller
from steps import EXPERIMENTS, Pretraining, Search


def tensor(figure):
    return torch.tensor(figure["data"]).view(figure["shape"])


def check(what, found, expected, tolerance=1e-9):
    off = (found - expected).abs().max().item() / max(1e-12, expected.abs().max().item())
    print(f"{'ok ' if off <= tolerance else 'OFF'} {what}: {off:.1e}")
    if off > tolerance:
        sys.exit(1)


def controller(golden):
    made = Controller()
    made.load_state_dict({name: tensor(figure) for name, figure in golden["state_dict"].items()})
    return made


def main(folder):
    read = lambda name: json.load(open(os.path.join(folder, name)))
    for which in ("init", "trained"):
        golden = read(f"controller_{which}.json")
        forward, tokens = golden["forward"], torch.tensor(golden["train_input"])
        model = controller(golden)
        outputs, arch_emb = model.encode(tokens)
        check(f"{which}: arch_emb", arch_emb, tensor(forward["arch_emb"]))
        check(f"{which}: predictor", model.encoder.predict(arch_emb), torch.tensor(forward["predict_value"]))
        check(f"{which}: decoder", model.teacher(tokens, outputs, arch_emb), tensor(forward["decoder_log_probs"]))
        check(f"{which}: greedy", model.greedy(outputs, arch_emb), torch.tensor(forward["greedy"]), 0)
        for result in golden["proposal"]["results"]:
            decoded, value = model.propose(torch.tensor(golden["proposal"]["input"]), result["step"])
            check(f"{which}: proposal, step {result['step']}", decoded, torch.tensor(result["decoded"]), 0)
            check(f"{which}: its value", value, torch.tensor(result["new_predict_value"]))

        pretrain = golden["pretrain"]
        batch = torch.tensor(pretrain["input"]), torch.tensor(pretrain["labels"])
        for name in ("TripletMargin", "MultiSimilarity"):
            expected = pretrain["losses"][f"{name}Loss"]
            reconstruction, metric, _ = Pretraining(controller(golden), name, 0.0)(*batch)
            check(f"{which}: {name}, L_rec", reconstruction, torch.tensor(expected["reconstruction"]))
            check(f"{which}: {name}, L_metric", metric, torch.tensor(expected["metric"]))
        after = pretrain["losses"]["TripletMarginLoss"]["sgd3"]
        model = controller(golden)
        step = Pretraining(model, "TripletMargin", after["lr"])
        for _ in range(3):
            step(*batch)
        check(f"{which}: three steps of eq. 2", model.state_dict()["decoder.out.weight"], tensor(after["params_after"]["decoder.out.weight"]), 1e-8)

        after = golden["train"]["sgd3"]
        model = controller(golden)
        step = Search(model, after["lr"], after["clip"], golden["train"]["tradeoff"])
        targets = torch.tensor(golden["train_target"] if isinstance(golden["train_target"], list) else golden["train_target"]["data"])
        for _ in range(3):
            step(tokens, targets)
        check(f"{which}: three steps of eq. 1", model.state_dict()["encoder.mlp.1.weight"], tensor(after["params_after"]["encoder.mlp.1.weight"]), 1e-8)

    golden = read("losses.json")
    for case in golden["cases"]:
        x, labels = torch.tensor(case["embeddings"]), torch.tensor(case["labels"])
        for result in case["results"]:
            loss, miner, _ = EXPERIMENTS.get(result["loss"].replace("Loss", ""), (None, None, 0))
            if loss and not result["nan"]:
                found = loss()(x, labels, miner()(x, labels))
                check(f"{case['name']}: {result['loss']}", torch.as_tensor(found), torch.tensor(float(result["value"])))

    for cell in read("hash.json")["cells"]:
        assert cells.hash_cell(np.array(cell["matrix"]), cell["ops"]) == cell["hash"]
    for cell in read("codec.json")["cells"]:
        assert cells.encode(np.array(cell["matrix"]), cell["ops"]) == cell["padded"]
    golden = read("proposal_filter.json")
    pool = {tuple(sequence) for sequence in golden["pool"]}
    for candidate in golden["candidates"]:
        cell = cells.decode(candidate["sequence"])
        canonical = cells.encode(*cell) if cell else None
        assert (canonical is not None and tuple(canonical) not in pool) == candidate["accepted"], candidate
        assert not candidate["accepted"] or canonical == candidate["canonical"], candidate
    print("ok  hashes, codec, filter of proposals")


main(sys.argv[1])
