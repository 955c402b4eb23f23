"""Trains a checkpoint from text files."""
