"""Uses: recommendation over a collection."""
