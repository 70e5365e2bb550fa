"""Which doors lead to a case? Thin ones: parse, authenticate, call, show."""
