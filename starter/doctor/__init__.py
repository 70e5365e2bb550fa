"""What is wrong with this installation, and what is to be done? One line each; nothing is changed by looking."""
