"""Studies before a decision: what moves a score, what a matching brought beside random, how an experiment is laid out."""
