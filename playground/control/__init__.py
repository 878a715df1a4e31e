"""The people's side: the control API that the page and the tests speak (API.md)."""
