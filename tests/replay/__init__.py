"""Is yesterday's history still lived the same way? The checker on small workflows, then on the recorded cases."""
