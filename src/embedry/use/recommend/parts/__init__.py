"""The parts of a recommendation: taste, content, popularity and recency, each on one scale."""
