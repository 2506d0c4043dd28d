"""Static encoders: a text is the sum of the vectors of its pieces, whatever stands around them."""
