"""What do we claim, and is it so on this machine? One script a claim, each beside a control in the same run."""
