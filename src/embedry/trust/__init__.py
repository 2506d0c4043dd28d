"""Trust: why two things are near."""
