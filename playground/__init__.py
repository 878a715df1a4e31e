"""A small Slack on localhost, for any app: Web API, signed events, Socket Mode, and a page with several people's screens.

It knows nothing of the app it serves: what it needs it reads from the app's manifest. All state lives in memory.

    model, people, workspace      who and what there is: people, conversations, messages, views, files
    markup, block_limits          what a text means in Slack, and what Block Kit allows (with element_limits, inspection, block_tree)
    directory, payloads           what Slack tells an app, as JSON
    delivery, sockets             how it is told: signed requests with retries, or Socket Mode envelopes
    triggers, faults, rate_limit, journal, changes
    core                          the parts together; everything that happens passes through it
    views, forms, interactions, commands      what people press, submit and command
    web_api/                      the app's side, as Slack names it
    control/                      the people's side, for the page and the tests (API.md)
    server, child, cli            served on a port, beside an app
    testing, person_handle, seen  for Python tests

Everything runs on one event loop's thread, which is the only lock there is.
"""
