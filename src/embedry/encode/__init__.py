"""Encoders: content in, vectors of one space out."""
