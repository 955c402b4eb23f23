"""Tables of n-grams to draft from: counted in texts, or asked from the network."""
