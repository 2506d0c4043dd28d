"""Tokenizers of pretrained encoders: text in, numbers of pieces out."""
