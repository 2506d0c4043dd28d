"""A stand-in for sentence-transformers, so that what is around it is tested without torch."""

from contextlib import nullcontext
from zlib import crc32

import numpy as np

from embedry.card import Card
from embedry.encode.transformer.found import FoundModel
from embedry.learn.finetune import tuning
from embedry.learn.finetune.scoring import Vectors
from embedry.metrics import COSINE

PARENT = Card("transformer", 16, "cosine", "parent", settings={"model": "base"}, generation=3)


class FakeModel:
    """Knows that q7 and a7 belong together, but for noise that training changes."""

    metric, dims, longest = COSINE, 16, 8
    before, after, error = 1.0, 0.3, None

    def __init__(self, folder):
        self.noise = self.before
        self.learned = None

    def vector(self, text):
        place = np.random.default_rng(int(text[1:])).standard_normal(16)
        noise = np.random.default_rng(crc32(text.encode())).standard_normal(16)
        return place + self.noise * noise

    def encode(self, task):
        return Vectors(
            *(
                np.array([self.vector(text) for text in side], np.float32).reshape(-1, 16)
                for side in (task.queries, task.documents)
            )
        )

    def shorten(self, max_length):
        self.longest = max_length or self.longest

    def truncated(self, examples):
        return sum(len(text) > self.longest for row in examples for text in examples.texts(row))

    def train(self, examples, settings):
        FakeModel.learned = examples.rows
        if self.error is not None:
            raise self.error
        self.noise = self.after

    def write(self, folder):
        (folder / "model.safetensors").write_bytes(b"weights")


def stand_in(monkeypatch):
    """Put the fake in the place of the model, and return it."""
    monkeypatch.setattr(tuning, "Model", FakeModel)
    monkeypatch.setattr(tuning, "check_installed", lambda: None)
    monkeypatch.setattr(tuning, "apart", lambda _threads: nullcontext())
    monkeypatch.setattr(tuning, "_start", lambda encoder: (FoundModel(encoder, "base"), PARENT))
    card = Card("transformer", 16, "cosine", "child")
    monkeypatch.setattr(tuning, "_card", lambda _folder, lineage, _name: lineage.told(card))
    for name, value in (("before", 1.0), ("after", 0.3), ("error", None)):
        monkeypatch.setattr(FakeModel, name, value)
    return FakeModel
