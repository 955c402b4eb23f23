"""Tokenizers, and the rules by which text becomes tokens."""
