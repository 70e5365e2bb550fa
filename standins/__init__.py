"""How do the systems around us behave? Local servers that speak their real protocols and misbehave on request."""
