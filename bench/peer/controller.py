"""The paper's controller in PyTorch, written from REFERENCE.md §4, 6 and 7; parameters have the names of the golden state_dict."""

import torch
import torch.nn.functional as F
from torch import nn

LAYERS = 0.5**0.5


def normalise(x):
    return F.normalize(x, dim=-1, eps=1e-12)


class Encoder(nn.Module):
    """Encoder and predictor."""

    def __init__(self, vocabulary=7, dim=16, hidden=64):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, dim)
        self.rnn = nn.LSTM(dim, dim, batch_first=True, bidirectional=True)
        self.out_proj = nn.Linear(2 * dim, dim)
        self.mlp = nn.ModuleList([nn.Linear(dim, hidden), nn.Linear(hidden, dim)])
        self.regressor = nn.Linear(dim, 1)

    def forward(self, tokens):
        """[B, L] tokens: encoder_outputs [B, L, dim]."""
        embedded = self.embedding(tokens)
        states, _ = self.rnn(embedded)
        return normalise(self.out_proj(states) + embedded)

    def predict(self, arch_emb):
        x = arch_emb
        for layer in self.mlp:
            x = F.relu(layer(x))
        return torch.sigmoid(self.regressor((arch_emb + x) * LAYERS)).squeeze(-1)


class Attention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.input_proj = nn.Linear(dim, dim, bias=False)
        self.output_proj = nn.Linear(2 * dim, dim, bias=False)

    def forward(self, y, encoder_outputs):
        weights = F.softmax(torch.bmm(self.input_proj(y), encoder_outputs.transpose(1, 2)), dim=-1)
        mix = torch.bmm(weights, encoder_outputs)
        return torch.tanh(self.output_proj(torch.cat([mix, y], dim=-1)))


class Decoder(nn.Module):
    def __init__(self, vocabulary=7, dim=16):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, dim)
        self.rnn = nn.LSTM(dim, dim, batch_first=True)
        self.attention = Attention(dim)
        self.out = nn.Linear(dim, vocabulary)

    def forward(self, inputs, state, encoder_outputs):
        """[B, T] input tokens: log-probabilities [B, T, vocabulary] and the LSTM's state."""
        embedded = self.embedding(inputs)
        hidden, state = self.rnn(embedded, state)
        y = (embedded + hidden) * LAYERS
        return F.log_softmax(self.out((y + self.attention(y, encoder_outputs)) * LAYERS), dim=-1), state


class Controller(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = Encoder()
        self.decoder = Decoder()

    def encode(self, tokens):
        outputs = self.encoder(tokens)
        return outputs, normalise(outputs.mean(dim=1))

    def teacher(self, tokens, outputs, arch_emb):
        """Log-probabilities of `tokens` [B, L], each position given those before it."""
        inputs = F.pad(tokens[:, :-1], (1, 0))
        return self.decoder(inputs, initial(arch_emb), outputs)[0]

    def reconstruction(self, tokens, outputs, arch_emb):
        return F.nll_loss(self.teacher(tokens, outputs, arch_emb).flatten(0, 1), tokens.flatten())

    @torch.no_grad()
    def greedy(self, outputs, arch_emb):
        token = torch.zeros(outputs.shape[0], 1, dtype=torch.long)
        state = initial(arch_emb)
        decoded = []
        for _ in range(outputs.shape[1]):
            log_probs, state = self.decoder(token, state, outputs)
            token = log_probs.argmax(dim=-1)
            decoded.append(token)
        return torch.cat(decoded, dim=1)

    def propose(self, tokens, step):
        """NAO's move (§7): decoded sequences [B, L], and the predictor's value of the moved embeddings."""
        outputs = self.encoder(tokens).detach().requires_grad_()
        value = self.encoder.predict(normalise(outputs.mean(dim=1)))
        (gradient,) = torch.autograd.grad(value.sum(), outputs)
        with torch.no_grad():
            moved = normalise(outputs + step * gradient)
            arch_emb = normalise(moved.mean(dim=1))
            return self.greedy(moved, arch_emb), self.encoder.predict(arch_emb)


def initial(arch_emb):
    return arch_emb.unsqueeze(0).contiguous(), arch_emb.unsqueeze(0).contiguous()
