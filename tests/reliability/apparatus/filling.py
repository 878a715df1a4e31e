"""Fills a database with years of a desk's history by a handful of statements, the same on SQLite and PostgreSQL.

Of a hundred requests 45 are closed with a suggestion, 15 left unanswered, 15 escalated, 15 abstained from, 5 withdrawn,
5 closed, undone and then resolved; some of the newest are still open, waiting and in work. To each belong 1.1 messages,
1.0 suggestions, 0.8 clicks, 0.5 assignments and 3.5 events: 125,000 requests are a million rows. Beside these, each has
a posted card, a settled delivery and a settled message that are not pruned yet.
"""

from datetime import datetime, timedelta

from sqlalchemy import Engine, text

from playground.model import TEAM_ID

AGE = timedelta(days=3 * 365)
ROWS_A_REQUEST = 8  # of the history below
HISTORY = ("support_requests", "request_messages", "suggestions", "feedback", "assignments", "events")
OPEN = 60  # of the newest, every third waits and every third is in work

REQUESTS = """
INSERT INTO support_requests (team_id, requester_id, channel_id, thread_ts, text, state, category, confidence, language,
  model_id, rule, no_suggestion, opened_at, answered_at, waiting_since, deadline_at, accepted_at, closed_at,
  reopened_count, agent_id)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :count),
k AS (SELECT i, (i * 37) % 100 AS r, :count - i AS younger, (i * 7919) % 2000 AS who, (i * 7127) % 14400 AS took,
  :start + (CAST(:span AS BIGINT) * i) / :count AS at FROM n),
s AS (SELECT k.*, r >= 60 AND r NOT BETWEEN 90 AND 94 AS to_person, CASE
  WHEN younger < {open} AND i % 3 = 0 THEN 'waiting' WHEN younger < {open} AND i % 3 = 1 THEN 'in_progress'
  WHEN r BETWEEN 45 AND 59 THEN 'suggested' WHEN r BETWEEN 90 AND 94 THEN 'withdrawn' WHEN younger > :count / 200
  THEN 'closed' WHEN r < 45 THEN 'closed_by_suggestion' ELSE 'resolved' END AS state FROM k)
SELECT '{team}', 'U' || who, 'D' || who, at || '.' || i, 'the vpn drops every few minutes', state, 'category_' || (i % 8),
  0.9, 'en', 'model-1', 'by its words', CASE WHEN r BETWEEN 75 AND 89 THEN 'unsure' END, at(at), at(at + 1 + i % 3),
  CASE WHEN to_person OR younger < {open} THEN at(at + 60) END, CASE WHEN to_person OR younger < {open} THEN at(at + 14460) END,
  CASE WHEN to_person AND state IN ('closed', 'resolved', 'in_progress') THEN at(at + 60 + took / 10) END,
  CASE WHEN state IN ('closed', 'closed_by_suggestion', 'resolved', 'withdrawn') THEN at(at + 60 + took) END,
  CASE WHEN r >= 95 THEN 1 ELSE 0 END,
  CASE WHEN state = 'in_progress' OR to_person AND state IN ('closed', 'resolved') THEN 'A' || (i % 12) END
FROM s ORDER BY i
"""
REST = (
    """INSERT INTO request_messages (team_id, request_id, channel_id, ts, text, received_at)
    SELECT team_id, id, channel_id, thread_ts, text, opened_at FROM support_requests WHERE team_id = '{team}' UNION ALL
    SELECT team_id, id, channel_id, thread_ts || '1', text, opened_at FROM support_requests
    WHERE team_id = '{team}' AND id % 10 = 0""",
    """INSERT INTO suggestions (request_id, position, category, probability, close_label, shown_at)
    SELECT id, p, category, 0.9, 'Yes, close my request', answered_at FROM support_requests, (SELECT 1 AS p UNION ALL
    SELECT 2) AS places WHERE team_id = '{team}' AND no_suggestion IS NULL AND (p = 1 OR id % 5 = 0)""",
    """INSERT INTO feedback (team_id, request_id, suggestion_id, kind, user_id, at)
    SELECT r.team_id, r.id, s.id, CASE WHEN r.waiting_since IS NULL THEN 'closed' ELSE 'asked_person' END,
    requester_id, answered_at FROM support_requests r JOIN suggestions s ON s.request_id = r.id AND s.position = 1
    WHERE team_id = '{team}' AND state NOT IN ('suggested', 'withdrawn')""",
    """INSERT INTO feedback (team_id, request_id, kind, user_id, at) SELECT team_id, id, 'undone', requester_id,
    answered_at FROM support_requests WHERE team_id = '{team}' AND reopened_count > 0""",
    """INSERT INTO assignments (team_id, request_id, agent_id, state, cost, reason, terms, offered_at, answered_at, ended_at)
    SELECT team_id, id, agent_id, CASE WHEN state = 'in_progress' THEN 'accepted' ELSE 'resolved' END, 0.4, 'free', '{}',
    waiting_since, accepted_at, closed_at FROM support_requests WHERE team_id = '{team}' AND agent_id IS NOT NULL""",
    """INSERT INTO assignments (team_id, request_id, agent_id, state, cost, reason, terms, offered_at, answered_at, ended_at)
    SELECT team_id, id, 'A13', 'declined', 0.5, 'free', '{}', waiting_since, waiting_since, waiting_since
    FROM support_requests WHERE team_id = '{team}' AND agent_id IS NOT NULL AND id % 3 = 0""",
    """INSERT INTO satisfaction_questions (team_id, request_id, assignment_id, asked_at, answer, answered_at, comment)
    SELECT a.team_id, a.request_id, a.id, ended_at, CASE WHEN a.id % 3 = 0 THEN 'good' WHEN a.id % 3 = 1 THEN 'bad' END,
    CASE WHEN a.id % 3 < 2 THEN ended_at END, CASE WHEN a.id % 9 = 0 THEN 'thank you' END
    FROM assignments a WHERE a.team_id = '{team}' AND a.state = 'resolved'""",
    """INSERT INTO posted_messages (team_id, message_key, channel_id, ts, posted_at)
    SELECT team_id, 'card:' || id, channel_id, thread_ts || '2', answered_at FROM support_requests
    WHERE team_id = '{team}'""",
    """INSERT INTO inbox (delivery_key, team_id, lane, kind, body, state, attempts, received_at, due_at, done_at)
    SELECT team_id || ':Ev' || id, team_id, team_id || ':' || requester_id, 'event', '{}', 'done', 1, opened_at,
    opened_at, opened_at FROM support_requests WHERE team_id = '{team}'""",
    """INSERT INTO outbox (dedupe_key, team_id, lane, kind, message_key, payload, state, attempts, created_at, due_at,
    done_at) SELECT team_id || ':card:' || id, team_id, team_id || ':' || channel_id, 'post', 'card:' || id, '{}', 'done',
    1, opened_at, opened_at, opened_at FROM support_requests WHERE team_id = '{team}'""",
)
EVENTS = (  # kind, when, of which requests
    ("opened", "opened_at", "TRUE"),
    ("suggested", "answered_at", "no_suggestion IS NULL"),
    ("abstained", "answered_at", "no_suggestion IS NOT NULL"),
    ("closed_by_suggestion", "closed_at", "closed_at IS NOT NULL AND waiting_since IS NULL"),
    ("escalated", "waiting_since", "waiting_since IS NOT NULL AND no_suggestion IS NULL"),
    ("offered", "waiting_since", "agent_id IS NOT NULL"),
    ("accepted", "accepted_at", "accepted_at IS NOT NULL"),
    ("resolved", "closed_at", "agent_id IS NOT NULL AND closed_at IS NOT NULL"),
    ("closed", "closed_at", "state = 'closed'"),
)
EVENT = """INSERT INTO events (team_id, at, kind, request_id, actor_id, data) SELECT team_id, {when}, '{kind}', id,
requester_id, '{}' FROM support_requests WHERE team_id = '{team}' AND {which}"""


def fill(engine: Engine, now: datetime, requests: int, team_id: str = TEAM_ID) -> int:
    """Write the history of ``requests`` requests that ended just before ``now``; return the rows of HISTORY."""
    moment = (
        "strftime('%Y-%m-%d %H:%M:%S.000000', {}, 'unixepoch')"
        if engine.dialect.name == "sqlite"
        else "to_timestamp({})"
    )
    span = int(AGE.total_seconds())
    values = {"count": requests, "start": int(now.timestamp()) - span - 14_500, "span": span}
    with engine.begin() as connection:
        connection.execute(text(_written(REQUESTS, team_id, moment)), values)
        for statement in REST:
            connection.execute(text(_written(statement, team_id, moment)))
        for kind, when, which in EVENTS:
            statement = EVENT.replace("{kind}", kind).replace("{when}", when).replace("{which}", which)
            connection.execute(text(_written(statement, team_id, moment)))
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))  # PostgreSQL does so by itself within a minute
    with engine.begin() as connection:
        counted = "SELECT " + " + ".join(f"(SELECT count(*) FROM {table})" for table in HISTORY)
        return int(connection.execute(text(counted)).scalar_one())


def _written(statement: str, team_id: str, moment: str) -> str:
    statement = (
        statement.replace("{team}", team_id).replace("{open}", str(OPEN)).replace("':", "'\\:")
    )  # no parameters
    parts = statement.split(" at(")
    return parts[0] + "".join(
        f" {moment.format(rest.split(')', 1)[0])}{rest.split(')', 1)[1]}" for rest in parts[1:]
    )
