"""Which processes run here? Three: the case, the sweep over its listings, the follow-up of its promises."""
