"""How would a recorded case go on without a server? Its trace, and the very code of the process in virtual time."""
