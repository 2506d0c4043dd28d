"""Text becoming numbers: tokenizers, blocks of bytes, and the draft of a corpus."""
