"""What the bot decides and writes: each service takes a session and the time, checks who may do it, returns a frozen value.

A service never speaks and never reads a payload; what it refuses, it refuses before it has written anything.
"""
