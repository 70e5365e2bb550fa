"""What is an escalation, and what follows from its facts? Pure values and functions, standard library only."""
