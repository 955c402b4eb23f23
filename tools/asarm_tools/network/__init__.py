"""XLNet's two-stream network: in PyTorch as it is trained and as published, and in NumPy as it is exported."""
