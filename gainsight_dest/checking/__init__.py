"""A look at a destination before its first event: what differs between two tenants, and what a check finds. Pure."""
