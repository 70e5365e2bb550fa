"""What can the process do to the world? One module an outside system, one class holding its client."""
