"""Files of labelled requests: reading them, what counts as alike, and the split that everything shares."""
