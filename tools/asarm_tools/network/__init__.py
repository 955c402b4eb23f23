"""XLNet's two-stream network in PyTorch: as it is trained and exported, with a cache, and as published."""
