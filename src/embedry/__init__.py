"""Embedry: learn or load, keep, use and trust embeddings.

>>> import embedry as em

Every name below is loaded on first use, so that ``import embedry`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from embedry.card import Card as Card
    from embedry.card import Relation as Relation
    from embedry.data import samples as samples
    from embedry.data import splits as splits
    from embedry.data.corpus import Corpus as Corpus
    from embedry.data.graph import Graph as Graph
    from embedry.data.interactions import Interactions as Interactions
    from embedry.data.movielens import read_movielens as read_movielens
    from embedry.embeddings import Embeddings as Embeddings
    from embedry.encode.cached.encoder import CachedEncoder as CachedEncoder
    from embedry.encode.chunks.chunks import Chunk as Chunk
    from embedry.encode.chunks.chunks import chunk as chunk
    from embedry.encode.encoder import Encoded as Encoded
    from embedry.encode.remote.encoder import RemoteEncoder as RemoteEncoder
    from embedry.encode.reranker import Reranker as Reranker
    from embedry.encode.text import TextEncoder as TextEncoder
    from embedry.encode.transformer.contextual import Contextual as Contextual
    from embedry.errors import CollectionError as CollectionError
    from embedry.errors import EmbedryError as EmbedryError
    from embedry.errors import EncoderMissingError as EncoderMissingError
    from embedry.errors import FileFormatError as FileFormatError
    from embedry.errors import FilterError as FilterError
    from embedry.errors import ForeignSpaceError as ForeignSpaceError
    from embedry.errors import InputError as InputError
    from embedry.errors import MissingExtraError as MissingExtraError
    from embedry.errors import NotFittedError as NotFittedError
    from embedry.errors import RemoteError as RemoteError
    from embedry.errors import UnknownIdError as UnknownIdError
    from embedry.learn.finetune.finetuned import Finetuned as Finetuned
    from embedry.learn.finetune.tuning import finetune as finetune
    from embedry.learn.graph import DeepWalk as DeepWalk
    from embedry.learn.graph import Node2Vec as Node2Vec
    from embedry.learn.growth import Growth as Growth
    from embedry.learn.modelfile import load as load
    from embedry.learn.nodes.walks import Extended as Extended
    from embedry.learn.nodes.walks import Walks as Walks
    from embedry.learn.nodes.walks import walks as walks
    from embedry.learn.place import Placed as Placed
    from embedry.learn.tags import TagEncoder as TagEncoder
    from embedry.learn.taste.als import ALS as ALS
    from embedry.learn.taste.bpr import BPR as BPR
    from embedry.learn.taste.ease import EASE as EASE
    from embedry.learn.taste.itemknn import ItemKNN as ItemKNN
    from embedry.learn.taste.itemvec import ItemVec as ItemVec
    from embedry.learn.taste.popularity import Popularity as Popularity
    from embedry.learn.word2vec import Word2Vec as Word2Vec
    from embedry.learn.words.ngrams import Subwords as Subwords
    from embedry.store.collection import Collection as Collection
    from embedry.trust import evaluate as evaluate
    from embedry.trust.explain import explain as explain
    from embedry.trust.stability import Stability as Stability
    from embedry.trust.stability import stability as stability
    from embedry.use.recommend import Recency as Recency
    from embedry.use.recommend import Recommender as Recommender

__version__ = "0.1.0.dev0"

_HOMES = {
    "ALS": "embedry.learn.taste.als",
    "BPR": "embedry.learn.taste.bpr",
    "CachedEncoder": "embedry.encode.cached.encoder",
    "Card": "embedry.card",
    "Chunk": "embedry.encode.chunks.chunks",
    "Collection": "embedry.store.collection",
    "CollectionError": "embedry.errors",
    "Contextual": "embedry.encode.transformer.contextual",
    "Corpus": "embedry.data.corpus",
    "DeepWalk": "embedry.learn.graph",
    "EASE": "embedry.learn.taste.ease",
    "Embeddings": "embedry.embeddings",
    "EmbedryError": "embedry.errors",
    "Encoded": "embedry.encode.encoder",
    "EncoderMissingError": "embedry.errors",
    "Extended": "embedry.learn.nodes.walks",
    "FileFormatError": "embedry.errors",
    "FilterError": "embedry.errors",
    "ForeignSpaceError": "embedry.errors",
    "Finetuned": "embedry.learn.finetune.finetuned",
    "Graph": "embedry.data.graph",
    "Growth": "embedry.learn.growth",
    "InputError": "embedry.errors",
    "Interactions": "embedry.data.interactions",
    "ItemKNN": "embedry.learn.taste.itemknn",
    "ItemVec": "embedry.learn.taste.itemvec",
    "MissingExtraError": "embedry.errors",
    "Node2Vec": "embedry.learn.graph",
    "NotFittedError": "embedry.errors",
    "Placed": "embedry.learn.place",
    "Popularity": "embedry.learn.taste.popularity",
    "Recency": "embedry.use.recommend",
    "Recommender": "embedry.use.recommend",
    "Relation": "embedry.card",
    "Reranker": "embedry.encode.reranker",
    "RemoteEncoder": "embedry.encode.remote.encoder",
    "RemoteError": "embedry.errors",
    "Stability": "embedry.trust.stability",
    "Subwords": "embedry.learn.words.ngrams",
    "TagEncoder": "embedry.learn.tags",
    "TextEncoder": "embedry.encode.text",
    "UnknownIdError": "embedry.errors",
    "Walks": "embedry.learn.nodes.walks",
    "Word2Vec": "embedry.learn.word2vec",
    "chunk": "embedry.encode.chunks.chunks",
    "explain": "embedry.trust.explain",
    "finetune": "embedry.learn.finetune.tuning",
    "load": "embedry.learn.modelfile",
    "read_movielens": "embedry.data.movielens",
    "stability": "embedry.trust.stability",
    "walks": "embedry.learn.nodes.walks",
}
_MODULES = {
    "evaluate": "embedry.trust.evaluate",
    "samples": "embedry.data.samples",
    "splits": "embedry.data.splits",
}

__all__ = [*sorted([*_HOMES, *_MODULES]), "__version__"]  # noqa: PLE0604  (all are str)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
    elif name in _MODULES:
        value = import_module(_MODULES[name])
    else:
        raise AttributeError(f"module 'embedry' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
