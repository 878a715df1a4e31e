"""The app's side: Slack's Web API, one module for each family of methods."""
