"""The database: tables, sessions, named queries, and the claims on inbox and outbox rows."""
