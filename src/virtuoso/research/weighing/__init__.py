"""Whether other weights of the components would have paid: tried walk-forward, net of costs, every trial counted."""
