"""Writes the accuracies of NATS-Bench's topology space (NAS-Bench-201's architectures) as CSV for `rxnas benchmark import`.

    python export_nats_bench.py NATS-tss-v1_0-3ffb9-simple nats.csv
    rxnas benchmark import nats.csv --space nasbench201

Needs the official API (pip install nats_bench) and its files; takes some minutes. A row an architecture; a column for each data
set, length of training, figure and seed, e.g. `cifar100_200_test_777`, in per cent; empty where a training does not exist. As is
usual, the validation accuracy of CIFAR-10 is that of the training on half of the training images (`cifar10-valid`), its test
accuracy that of the training on all of them.
"""

import argparse
import csv

from nats_bench import create

SEEDS = (777, 888, 999)
# (name here, where the validation accuracy comes from, where the test accuracy and the training time do)
DATASETS = (
    ("cifar10", "cifar10-valid", "cifar10"),
    ("cifar100", "cifar100", "cifar100"),
    ("ImageNet16-120", "ImageNet16-120", "ImageNet16-120"),
)
FIGURES = ("valid", "test", "seconds")


def info_by_seed(api, index, dataset, epochs):
    """What the API knows of each training of an architecture, by seed."""
    api.get_more_info(index, dataset, hp=epochs, is_random=False)  # loads the architecture
    seeds = api.arch2infos_dict[index][epochs].get_dataset_seeds(dataset)
    return {int(seed): api.get_more_info(index, dataset, hp=epochs, is_random=int(seed)) for seed in seeds}


def row(api, index, lengths):
    out = {"arch": api.arch(index)}
    for epochs in lengths:
        for name, validated, tested in DATASETS:
            valid = info_by_seed(api, index, validated, epochs)
            test = valid if validated == tested else info_by_seed(api, index, tested, epochs)
            for seed in SEEDS:
                if seed in valid:
                    out[f"{name}_{epochs}_valid_{seed}"] = valid[seed]["valid-accuracy"]
                if seed in test:
                    out[f"{name}_{epochs}_test_{seed}"] = test[seed]["test-accuracy"]
                    out[f"{name}_{epochs}_seconds_{seed}"] = test[seed]["train-all-time"]
    api.clear_params(index)  # or all architectures stay in memory
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", help="folder of the API's files, NATS-tss-v1_0-3ffb9-simple")
    parser.add_argument("out", help="CSV file to write")
    parser.add_argument("--epochs", default="200,12", help="lengths of training; default: 200,12")
    args = parser.parse_args()
    lengths = args.epochs.split(",")
    columns = ["arch"] + [
        f"{name}_{epochs}_{figure}_{seed}"
        for epochs in lengths
        for name, _, _ in DATASETS
        for figure in FIGURES
        for seed in SEEDS
    ]
    api = create(args.files, "tss", fast_mode=True, verbose=False)
    with open(args.out, "w", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        for index in range(len(api)):
            writer.writerow(row(api, index, lengths))


if __name__ == "__main__":
    main()
