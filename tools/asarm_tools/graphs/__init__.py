"""The two graphs of a model folder, written node by node, and their files."""
