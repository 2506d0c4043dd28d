"""Recommendation: what others used, what is similar, popular and new, in one score."""

from embedry.use.recommend.learning import LearnedWeights
from embedry.use.recommend.parts.recency import Recency
from embedry.use.recommend.recommender import Recommender

__all__ = ["LearnedWeights", "Recency", "Recommender"]
