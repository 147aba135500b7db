"""Other people's order books, run on the same stream."""
