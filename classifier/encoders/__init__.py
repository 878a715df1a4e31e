"""Text encoders: what they are (recipes), where they come from (hub, packaged), and how they run (session)."""
