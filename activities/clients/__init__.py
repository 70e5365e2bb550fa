"""How do we speak to each outside system? Clients that worker.py builds and hands to the activities."""
