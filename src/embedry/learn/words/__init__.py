"""What Word2Vec is made of: vocabulary, tables, the word space, placing."""
