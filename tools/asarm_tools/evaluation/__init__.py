"""How good a checkpoint or a model folder is, and how fast the published network."""
