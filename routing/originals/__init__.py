"""The two published matchings, reproduced on their own file format, to compare ours with.

Source: a smart-routing proof of concept (2023). Its defects are kept on purpose; `routing.match` is the one to use.
"""
