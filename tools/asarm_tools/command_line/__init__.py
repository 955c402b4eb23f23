"""How a command reports, stops, and leaves its files."""
