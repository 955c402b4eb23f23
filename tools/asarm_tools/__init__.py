"""The Python tools of AsArm: a tokenizer, a checkpoint and its figures from text files, and a model folder from a checkpoint."""
