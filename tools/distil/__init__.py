"""The script that distils the static encoder; see ``__main__``."""
