"""Vectors from a server: any that speaks the embeddings protocol of OpenAI."""
