"""What would another rulebook have done to the same cases? Their mechanical effect, and an honest report of it."""
