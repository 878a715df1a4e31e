"""`python -m classifier`: thin commands over the parts beside this folder."""
