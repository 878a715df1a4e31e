"""Looking at a file of requests: comparing models, merging categories, finding topics."""
