"""Makes the track record: how well all that is served did on months that are kept apart."""
