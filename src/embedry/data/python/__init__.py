"""Python sources read without running them: files, what they say, and what it means."""
