"""Long texts in chunks: sentences kept whole where they fit, offsets kept."""
