"""How did a case stand at any event or time, and what changed in between? `seawall replay at|timeline|diff|step`."""
