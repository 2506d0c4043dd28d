"""What a collection keeps on disk: the log, and caches beside it."""
