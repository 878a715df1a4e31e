"""The bot: listens to Slack, remembers in SQL, speaks through an outbox.

A message falls one way and comes back once::

    edge      guard the bytes, verify the signature, store in the inbox, acknowledge
    worker    claim from the inbox, replay through Bolt -> listeners -> services -> storage, one commit
    delivery  claim from the outbox, call Slack, remember each message's ``ts``

Only this package knows Slack and the database, and only ``bot/app.py`` puts the parts together.
"""

VERSION = "0.1.0"
