"""What does what-if cost, and is it right, over a thousand generated cases? `python -m benchmarks.whatif`."""
