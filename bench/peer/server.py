"""The peer of the bench: takes requests as lines of JSON, answers each with a line. See peer.ts for what is asked."""

import json
import sys
import time

import numpy
import pytorch_metric_learning
import torch

import cells
from controller import Controller
from steps import EXPERIMENTS, Pretraining, Search


def controller_of(weights):
    controller = Controller()
    shapes = controller.state_dict()
    controller.load_state_dict({name: torch.tensor(values).view(shapes[name].shape) for name, values in weights.items()})
    return controller


def pretrain(work, weights):
    tokens, labels = torch.tensor(work["tokens"]), torch.tensor(work["labels"])
    step = Pretraining(controller_of(weights), work["loss"], learning_rate=0.0)

    def run():
        reconstruction, metric, mined = step(tokens, labels)
        return {"reconstruction": reconstruction.item(), "metric": metric.item(), "mined": mined}

    return run


def search(work, weights):
    tokens, targets = torch.tensor(work["tokens"]), torch.tensor(work["targets"])
    step = Search(controller_of(weights), learning_rate=0.0)

    def run():
        mse, nll, norm = step(tokens, targets)
        return {"mse": mse.item(), "reconstruction": nll.item(), "gradientNorm": norm.item()}

    return run


def propose(work, weights):
    controller, tokens = controller_of(weights), torch.tensor(work["tokens"])
    pool = {tuple(sequence) for sequence in work["pool"]}

    def run():
        decoded, _ = controller.propose(tokens, work["step"])
        valid, fresh = 0, set()
        for sequence in decoded.tolist():
            cell = cells.decode(sequence)
            if cell:
                valid += 1
                key = tuple(cells.encode(*cell))
                if key not in pool:
                    fresh.add(key)
        return {"valid": valid}

    return run


def embed(work, weights):
    controller, tokens = controller_of(weights), torch.tensor(work["tokens"])

    def run():
        with torch.no_grad():
            controller.encode(tokens)

    return run


def positives(work, _):
    anchors = [cells.decode(tokens) for tokens in work["tokens"]]
    return lambda: [cells.encode(*cells.positive(*anchor)) for anchor in anchors] and None


def hashes(work, _):
    anchors = [cells.decode(tokens) for tokens in work["tokens"]]
    return lambda: [cells.hash_cell(*anchor) for anchor in anchors] and None


WORKS = {f.__name__: f for f in (pretrain, search, propose, embed, positives, hashes)}


def main():
    weights, run = None, None
    for line in sys.stdin:
        request = json.loads(line)
        answer = {}
        if request["ask"] == "versions":
            answer = {
                "python": sys.version.split()[0],
                "torch": torch.__version__,
                "numpy": numpy.__version__,
                "pytorch_metric_learning": pytorch_metric_learning.__version__,
            }
        elif request["ask"] == "weights":
            weights = request["weights"]
        elif request["ask"] == "prepare":
            torch.set_num_threads(request["threads"])
            work = request["work"]
            known = work["kind"] in WORKS and work.get("loss", "NoMetric") in EXPERIMENTS
            run = WORKS[work["kind"]](work, weights) if known else None
            answer = {"known": known, "figures": (run() or {}) if known else {}}
        elif request["ask"] == "run":
            samples = []
            for _ in range(request["iterations"]):
                wall, cpu = time.perf_counter(), time.process_time()
                run()
                samples.append({"wall": (time.perf_counter() - wall) * 1000, "cpu": (time.process_time() - cpu) * 1000})
            answer = {"samples": samples}
        print(json.dumps(answer), flush=True)


main()
