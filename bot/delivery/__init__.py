"""The only code that sends: what is to be said is written to the outbox, then delivered to Slack exactly once."""
