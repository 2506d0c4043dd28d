"""Cold start: new items placed in taste by what they are about, until use says more."""
