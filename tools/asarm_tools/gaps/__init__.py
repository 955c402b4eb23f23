"""Which tokens of a window are unknown, in which order they are decoded, and what the network is asked."""
