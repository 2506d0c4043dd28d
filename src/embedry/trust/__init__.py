"""Trust: why two things are near, how good a space is, and what of it is chance."""
