"""The draft head: a small network that corrects rows of logits by tokens that they have not seen (docs/draft-head-format.md)."""
