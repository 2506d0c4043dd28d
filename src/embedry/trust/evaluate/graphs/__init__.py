"""Spaces of nodes: labels told from vectors, and edges that were held out."""
