"""One pretraining step (eq. 2) and one search step (eq. 1) as the reference takes them, REFERENCE.md §5-7."""

import torch
import torch.nn.functional as F
from pytorch_metric_learning import losses, miners


def semihard(margin):
    return miners.TripletMarginMiner(margin=margin, type_of_triplets="semihard")


# Name in rxnas: loss, miner, weight in eq. 2.
EXPERIMENTS = {
    "TripletMargin": (lambda: losses.TripletMarginLoss(margin=0.1), lambda: semihard(0.1), 1.0),
    "Contrastive": (lambda: losses.ContrastiveLoss(pos_margin=0, neg_margin=1), lambda: semihard(0.1), 1.0),
    "Margin": (lambda: losses.MarginLoss(margin=0.2, nu=0.0, beta=1.2), lambda: semihard(0.2), 1.0),
    "GeneralizedLiftedStructure": (lambda: losses.GeneralizedLiftedStructureLoss(neg_margin=1), lambda: semihard(0.1), 0.1),
    "LiftedStructure": (lambda: losses.LiftedStructureLoss(neg_margin=1), lambda: semihard(0.1), 0.05),
    "MultiSimilarity": (lambda: losses.MultiSimilarityLoss(alpha=2, beta=30, base=1.0), lambda: miners.AngularMiner(20), 1.0),
    "NPairs": (lambda: losses.NPairsLoss(), lambda: miners.AngularMiner(20), 1.0),
    "Angular": (lambda: losses.AngularLoss(alpha=45), lambda: miners.AngularMiner(20), 0.1),
    "TupletMargin": (lambda: losses.TupletMarginLoss(margin=5.73, scale=64), lambda: miners.AngularMiner(20), 1.0),
    "NoMetric": (None, None, 0.0),
}


class Pretraining:
    def __init__(self, controller, loss, learning_rate):
        loss, miner, self.weight = EXPERIMENTS[loss]
        self.loss, self.miner = loss and loss(), miner and miner()
        self.controller = controller
        self.optimiser = torch.optim.SGD(controller.parameters(), lr=learning_rate)

    def __call__(self, tokens, labels):
        """[B, L] tokens, [B] labels: reconstruction loss, metric loss, mined triplets, as tensors and a number."""
        outputs, arch_emb = self.controller.encode(tokens)
        reconstruction = total = self.controller.reconstruction(tokens, outputs, arch_emb)
        metric, mined = torch.zeros(()), 0
        if self.loss:
            triplets = self.miner(arch_emb, labels)
            metric, mined = self.loss(arch_emb, labels, triplets), len(triplets[0])
            total = total + self.weight * metric
        self.optimiser.zero_grad()
        total.backward()
        self.optimiser.step()
        return reconstruction, metric, mined


class Search:
    def __init__(self, controller, learning_rate, clip_norm=5.0, tradeoff=0.5):
        self.controller, self.clip_norm, self.tradeoff = controller, clip_norm, tradeoff
        self.optimiser = torch.optim.SGD(controller.parameters(), lr=learning_rate)

    def __call__(self, tokens, targets):
        """[B, L] tokens, [B] targets: mean squared error, reconstruction loss, gradient norm, as tensors."""
        outputs, arch_emb = self.controller.encode(tokens)
        mse = F.mse_loss(self.controller.encoder.predict(arch_emb), targets)
        nll = self.controller.reconstruction(tokens, outputs, arch_emb)
        self.optimiser.zero_grad()
        (self.tradeoff * mse + (1 - self.tradeoff) * nll).backward()
        norm = torch.nn.utils.clip_grad_norm_(self.controller.parameters(), self.clip_norm)
        self.optimiser.step()
        return mse, nll, norm
