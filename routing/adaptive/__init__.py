"""The adaptive policy: fixed scales, filters that give way step by step, holds for agents who are about to be free.

roster and line hold agents and tasks as arrays; filters says who may take what; prices what each pair costs; slots which
places there are; matching solves and explains.
"""
