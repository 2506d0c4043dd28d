"""Tables: text split into rows and columns, and frames of others."""
