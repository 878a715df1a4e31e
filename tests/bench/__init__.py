"""`make bench`: measures a real bot process by real HTTP, with the playground as Slack and the starter model.

    make bench                                  the way of one message, for docs/benchmarks.md
    make bench ARGS="load --seconds 600"        100 events a second, workers busy
    make bench ARGS="sustained"                 the highest rate of DMs whose backlog does not grow
    make bench ARGS="soak --events 1000000"     what grows when a bot runs for long
    make bench ARGS="routing"                   how quick routing is, and its policies on simulated days

Everything stays on this machine, and every loop is bounded. Figures vary with what else the machine does.
"""
