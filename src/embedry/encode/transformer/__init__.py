"""Transformers: pretrained encoders of the BERT family, read and run without torch."""
