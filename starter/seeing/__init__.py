"""How does an operator see what Seawall is doing? Health, metrics and traces; nothing of it enters a history."""
