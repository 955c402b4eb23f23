"""Text files as streams of token ids, alone and mixed."""
