"""From a dataset to a saved model. Never imported by the running bot."""
