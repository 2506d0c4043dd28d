"""Evaluation: how good a space is, with intervals.

Words: `word_pairs` and `analogies`, and `compare` for two spaces on the same questions. Graphs:
`node_classification`, and `link_prediction` on edges that `split_edges` held out. Recommenders:
`recommend`, and `compare_recommenders` for two models and the same users. Each result is a frozen
value that says how many questions were asked and known, and prints as a line or a few.

What it is not: a search for settings; choose those on one split, and report another.
"""

from embedry.intervals import Interval, Spread
from embedry.trust.evaluate.graphs.edges import EdgeSplit, split_edges
from embedry.trust.evaluate.graphs.labels import read_labels
from embedry.trust.evaluate.graphs.links import LinkPrediction, link_prediction
from embedry.trust.evaluate.graphs.nodes import NodeClassification, node_classification
from embedry.trust.evaluate.recommenders.asking import HistoryRanker, Ranker
from embedry.trust.evaluate.recommenders.comparison import compare_recommenders
from embedry.trust.evaluate.recommenders.negatives import read_negatives
from embedry.trust.evaluate.recommenders.ranking import recommend
from embedry.trust.evaluate.recommenders.sampled import Sampled
from embedry.trust.evaluate.recommenders.scores import (
    Difference,
    Estimate,
    RecommendationComparison,
    RecommendationScore,
)
from embedry.trust.evaluate.recommenders.task import LeftOut
from embedry.trust.evaluate.words.analogies import AnalogyScore, Category, analogies
from embedry.trust.evaluate.words.comparison import Comparison, compare
from embedry.trust.evaluate.words.pairs import PairScore, word_pairs
from embedry.trust.evaluate.words.questions import (
    Analogies,
    WordPairs,
    read_analogies,
    read_word_pairs,
)

__all__ = [
    "Analogies",
    "AnalogyScore",
    "Category",
    "Comparison",
    "Difference",
    "EdgeSplit",
    "Estimate",
    "HistoryRanker",
    "Interval",
    "LeftOut",
    "LinkPrediction",
    "NodeClassification",
    "PairScore",
    "Ranker",
    "RecommendationComparison",
    "RecommendationScore",
    "Sampled",
    "Spread",
    "WordPairs",
    "analogies",
    "compare",
    "compare_recommenders",
    "link_prediction",
    "node_classification",
    "read_analogies",
    "read_labels",
    "read_negatives",
    "read_word_pairs",
    "recommend",
    "split_edges",
    "word_pairs",
]
