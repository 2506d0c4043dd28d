"""Files that other tools write and read: word2vec, GloVe, fastText, Parquet."""
