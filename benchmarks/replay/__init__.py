"""What does it cost to live history again? Each part against a plain replay of the same histories, in one run."""
