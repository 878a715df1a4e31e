"""Where Slack's deliveries come in: guarded, stored, acknowledged, and then worked through Bolt."""
