"""What the tests of this folder are made with. None of it is a test, and none of it is part of the product.

Bots that die, each a child of a `nursery` that has read the code once
    nursery         processes that are forked, killed with kill -9, and counted
    bot_process     bots in which one precaution is broken on purpose
    (tests/scenarios/crashing_bot.py: bots that die at a named step)
    kill_run        a day on which the bot is killed again and again; kill_figures: how long things took on it
    replicas        two of them behind one address, and somebody who kills them

What goes wrong around it
    faults          what Slack does on an ordinary bad day
    broken_line     a line to PostgreSQL that refuses or falls silent

People
    racing          two who press at the same moment, at two replicas
    support_day     a help desk's day in virtual time; support_people: who writes, accepts and leaves on it;
                    support_replica: the bot's processes on it

Whoever looks, and uses no code of the bot
    history         holds what Slack delivered, what is stored and what people saw against each other;
                    history_record reads the playground, history_rows the database
    observer        sees who waits beside an agent that is free
    metrics_page    reads /metrics
    statements      hears what a database is asked

Rows
    rows            one at a time; filling: years of a desk's history
    claimer         a process that claims rows, and prints what it got
"""
