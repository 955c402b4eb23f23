"""Checkpoints in the Hugging Face layout: weights and config.json."""
