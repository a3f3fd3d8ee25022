"""Decoding: from a network's probabilities to what is said."""
