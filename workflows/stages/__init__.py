"""Which steps does a case take? One module a stage, in the order of the process."""
