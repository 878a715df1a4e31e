"""A saved model at work: one message in, one decision out. All that the running bot imports."""
