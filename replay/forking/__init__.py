"""How does a case go on from an event of its past, on a throw-away server, without a way out? `seawall replay fork`."""
