"""The table in docs/security.md, cell by cell, against a running bot behind its signed front door."""

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import dropwhile, takewhile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from sqlalchemy import select

import bot.ids
from bot.delivery.modals import NOT_OPENED
from bot.ids import ActionId, CallbackId, EventKind
from bot.lifecycle import RequestState
from bot.storage.tables import Assignment, Base, Event, OutboxKind, OutboxRow, Suggestion, SupportRequest
from playground.model import TEAM_ID
from tests.security.conftest import FrontDoor

ROOT = Path(__file__).parents[2]
REQUESTER, OTHER, AGENTS, ADMIN, GUEST = "U0RILEY", "U0SAM", ("U0ANA", "U0BEN"), "U0MORGAN", "U0GUEST"
STRANGE_TEAM = "T0OTHER"
COLUMNS = ("requester", "other person", "agent", "other agent", "admin", "other workspace", "guest", "bot")
MESSAGE = "a direct message"
TAKE = f"{ActionId.ACCEPT}:take"
# What leaves no event when it is done: nothing is to be done, or it opens a modal (for which no real trigger is at hand
# here, so "yes" shows in Slack's refusal of the trigger: the bot was willing).
LEAVES_NO_EVENT = {ActionId.OPEN_LINK}
OPENS_MODAL = {str(action) for action in bot.ids.OPENING_ACTIONS} | {
    f"/firstline {word}" for word in bot.ids.OPENING_WORDS
}
OF_SUGGESTIONS = (
    ActionId.CLOSE,
    ActionId.ASK_PERSON,
    ActionId.WITHDRAW,
    ActionId.OPEN_LINK,
    ActionId.EDIT_ME,
)


def read_table() -> dict[str, dict[str, str]]:
    """docs/security.md: what -> column -> verdict."""
    lines = (ROOT / "docs" / "security.md").read_text().splitlines()
    from_table = dropwhile(lambda line: not line.startswith("|"), lines)  # the first of several
    table = takewhile(lambda line: line.startswith("|"), from_table)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    assert tuple(rows[0][1:]) == COLUMNS
    return {row[0].strip("`"): dict(zip(COLUMNS, row[1:], strict=True)) for row in rows[2:]}


def ids_in_code() -> set[str]:
    """Every action, form and word of the command that the code knows, wherever it stands in the listeners."""
    found = {str(action) for action in ActionId} | {str(form) for form in CallbackId}
    words = {"help", *bot.ids.OPENING_WORDS}
    for path in (ROOT / "bot" / "listeners").glob("[a-z]*.py"):
        tree = _with_values(ast.parse(path.read_text()), import_module(f"bot.listeners.{path.stem}"))
        words |= set(_words_matched(tree))
        found |= set(_ids_registered(tree))
    return found | {f"/firstline {word}" for word in words}


def _with_values(tree: ast.AST, module: ModuleType) -> ast.AST:
    """``tree`` with the module's string constants in place of their names."""

    class Put(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.AST:
            value = getattr(module, node.id, None)
            return ast.Constant(str(value)) if isinstance(value, str) else node

    return Put().visit(tree)  # type: ignore[no-any-return]


def _words_matched(tree: ast.AST) -> Iterator[str]:
    """Strings that ``x.action`` is matched or compared with: the words of the command."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Match) and ".action" in ast.unparse(node.subject):
            for case in node.cases:
                pattern = case.pattern
                first = pattern.patterns[0] if isinstance(pattern, ast.MatchSequence) else pattern
                yield from _strings(first)
        elif isinstance(node, ast.Compare) and ast.unparse(node.left).endswith(".action"):
            for compared in node.comparators:
                yield from _strings(compared)


def _ids_registered(tree: ast.AST) -> Iterator[str]:
    """Ids written out in ``bolt.action(...)`` and its kin, instead of taken from bot.ids."""
    for node in ast.walk(tree):
        is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        if is_call and node.func.attr in ("action", "view", "view_closed", "shortcut", "options", "function"):
            yield from (text for text in _strings(node.args[0]) if re.fullmatch(r"\w+", text))


def _strings(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str) and inner.value:
            yield inner.value


def test_every_id_in_the_code_has_a_line_and_every_line_an_id() -> None:
    """Whoever adds a button, a form or a word of the command has to say who may use it."""
    known = ids_in_code()
    assert {"/firstline stats", "/firstline on", "/firstline away"} <= known, "the words are no longer found"
    assert known | {MESSAGE, TAKE} == set(read_table())
    assert {verdict for row in read_table().values() for verdict in row.values()} == {
        "yes",
        "refused",
        "unheard",
    }


def test_people_are_known_by_workspace_and_id_alone() -> None:
    """Nothing in the bot asks for, keeps or compares e-mail addresses; the app has no scope to learn one."""
    scopes = yaml.safe_load((ROOT / "manifest.yml").read_text())["oauth_config"]["scopes"]["bot"]
    assert not [scope for scope in scopes if scope.startswith("users")]
    columns = [column.name for table in Base.metadata.tables.values() for column in table.columns]
    assert not [name for name in columns if "mail" in name]
    for path in (ROOT / "bot").rglob("*.py"):
        names = {
            node.attr if isinstance(node, ast.Attribute) else node.value
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Attribute | ast.Constant)
        }
        assert not names & {"email", "e_mail", "users_lookupByEmail", "users:read.email"}, path


@dataclass
class Trial:
    """One cell being tried: what was sent, and the last event before it."""

    what: str
    column: str
    user: str
    team: str
    target: str
    request_id: int | None
    response_url: str
    answer: bytes


def _says_no(trial: Trial) -> bool:
    """Whether a form's own answer tells of the refusal: with none, Slack closes the form as if it had been taken."""
    answer = json.loads(trial.answer or b"{}")
    if trial.team != TEAM_ID:
        return answer.get("response_action") == "update" and "another workspace" in str(answer["view"])
    return answer.get("response_action") == "errors"


class Court:
    """Brings every cell of the table before the bot and compares."""

    def __init__(self, door: FrontDoor) -> None:
        self.door = door
        self.db = door.bot.deps.db
        self.trials: list[Trial] = []
        self.began = 0

    def open_requests(self, number: int, text: str) -> list[int]:
        """So many requests of the requester's, freshly answered."""
        before = set(self._ids())
        for _ in range(number):
            assert self.door.message(REQUESTER, text)[0] == 200
        self.door.settle()
        return sorted(set(self._ids()) - before)

    def _ids(self) -> list[int]:
        with self.db.reading() as session:
            return list(session.scalars(select(SupportRequest.id)))

    def offered(self, request_ids: list[int]) -> list[Assignment]:
        """The open offers of these requests, once all have one."""

        def look() -> list[Assignment]:
            with self.db.reading() as session:
                found = session.scalars(
                    select(Assignment).where(Assignment.request_id.in_(request_ids))
                ).all()
            return sorted(found, key=lambda offer: offer.request_id) if len(found) == len(request_ids) else []

        return self.door.desk.slack.eventually(look, 30, what="all offers made")

    def people(self, holder: str | None) -> dict[str, str]:
        """Column -> user id; ``holder`` is the agent whose request it is."""
        agent = holder or AGENTS[0]
        other = next(user for user in AGENTS if user != agent)
        return dict(
            zip(
                COLUMNS,
                (REQUESTER, OTHER, agent, other, ADMIN, "", GUEST, self.door.desk.slack.bot_user),
                strict=True,
            )
        )

    def try_row(
        self, what: str, row: dict[str, str], targets: list[tuple[str, int | None, str | None]]
    ) -> None:
        """Try the cells of a line; each "yes" spends a target of its own, the refused ones share the last."""
        spare = list(targets)
        for column in COLUMNS:
            target, request_id, holder = spare.pop() if row[column] == "yes" and len(spare) > 1 else spare[0]
            people = self.people(holder)
            may = next((name for name in ("agent", "admin", "requester") if row[name] == "yes"), "agent")
            user = people[may] if column == "other workspace" else people[column]
            team = STRANGE_TEAM if column == "other workspace" else TEAM_ID
            url, answer = self._send(what, user, team, target)
            self.trials.append(Trial(what, column, user, team, target, request_id, url, answer))

    def _send(self, what: str, user: str, team: str, target: str) -> tuple[str, bytes]:
        if what.startswith("/firstline "):
            words = (
                f"{what.removeprefix('/firstline ')}{' <@U0NOBODY|nobody>' if what.endswith('erase') else ''}"
            )
            return self.door.command(user, words, team), b""
        if what == MESSAGE:
            self.door.message(user, f"vpn {what}", team)
            return "", b""
        if what in set(CallbackId):
            return "", self.door.hand_in(user, what, {}, team, target)
        suffixes = {
            ActionId.ESCALATION_REASON: ":did_not_work",
            ActionId.CLOSE: ":1",
            ActionId.OPEN_LINK: ":1",
            ActionId.RATE: ":bad",
        }
        action_id = what + suffixes.get(what, "")  # type: ignore[call-overload]
        return self.door.press(user, action_id, target, team), b""

    def verdicts(self) -> list[str]:
        """What came of each trial, where it differs from the table."""
        self.door.settle()
        table = read_table()
        with self.db.reading() as session:
            self.events = list(session.scalars(select(Event).where(Event.id > self.began)))
            rows = session.scalars(select(OutboxRow).where(OutboxRow.kind == OutboxKind.RESPOND)).all()
            self.answers = {row.payload["response_url"]: row.payload["text"] for row in rows}
        found = [(trial, self._verdict(trial)) for trial in self.trials]
        return [
            f"{trial.what} by {trial.column} ({trial.user}): {verdict}, not {table[trial.what][trial.column]}"
            for trial, verdict in found
            if verdict != table[trial.what][trial.column]
        ]

    def _verdict(self, trial: Trial) -> str:
        said = self.answers.get(trial.response_url)
        refused = self._refusals(trial)
        done = [
            event
            for event in self.events
            if event.actor_id == trial.user
            and event.request_id is not None
            and event.request_id == trial.request_id
            and event.kind is not EventKind.REFUSED
        ]
        if trial.what in OPENS_MODAL and said == NOT_OPENED:
            return "yes"
        if refused:
            is_told = said is not None or trial.what == MESSAGE or _says_no(trial)
            return (
                "refused" if is_told and not done else f"refused, {'but done' if done else 'without a word'}"
            )
        if trial.what.startswith("/firstline "):
            return "unheard" if said is None else "yes"
        if trial.what == MESSAGE:
            opened = [e for e in self.events if e.kind is EventKind.OPENED and e.actor_id == trial.user]
            return "yes" if opened else "unheard"
        if trial.what == CallbackId.AGENT_FORM:
            profiles = [
                e for e in self.events if e.kind is EventKind.AGENT_PROFILE and e.actor_id == trial.user
            ]
            return "yes" if profiles else "unheard"
        if trial.what == ActionId.ERASE:
            return (
                "yes"
                if any(e.kind is EventKind.ERASED and e.actor_id == trial.user for e in self.events)
                else "unheard"
            )
        if trial.what in LEAVES_NO_EVENT and said is None and trial.column != "bot":
            return "yes"
        return "yes" if done else "unheard"

    def _refusals(self, trial: Trial) -> list[Event]:
        """The lines of the event log that tell of this trial's refusal."""
        what = trial.what.removeprefix("/firstline ").partition(":")[0]
        if trial.team != TEAM_ID:
            names = {"a command", "an event", "a form", what}
            actor = f"{trial.team}/{trial.user}"
            return [
                e
                for e in self._of(actor)
                if e.data["action"] in names and e.data["error"] == "OtherWorkspace"
            ]
        target = trial.target if trial.response_url and not trial.what.startswith("/") else None
        return [
            event
            for event in self._of(trial.user)
            if event.data["action"] == what and (target is None or event.data.get("target", target) == target)
        ]

    def _of(self, actor: str) -> list[Event]:
        return [
            e
            for e in self.events
            if e.kind is EventKind.REFUSED and e.actor_id == actor and e.team_id == TEAM_ID
        ]


def test_the_table_holds_in_the_running_bot(sqlite_desk: Any, open_door: Any) -> None:
    """Each person, each button, form and word: done, refused with a word and a record, or unheard, as the table says."""
    sqlite_desk.slack.add_person(GUEST, "Gil Guest")
    court = Court(open_door(sqlite_desk, firstline_agent_capacity=100))
    table = read_table()

    suggested = court.open_requests(2 * 4, "vpn is down")
    to_escalate = court.open_requests(2 * 6 + 3, "vpn is down again")
    to_close = court.open_requests(2, "vpn is down once more")
    with court.db.reading() as session:
        suggestions = {
            row.request_id: row.id for row in session.execute(select(Suggestion.request_id, Suggestion.id))
        }
    for request_id in to_escalate:
        court.door.press(REQUESTER, ActionId.ASK_PERSON, str(request_id))
    for request_id in to_close:
        court.door.press(REQUESTER, f"{ActionId.CLOSE}:1", f"{request_id}:{suggestions[request_id]}")
    court.door.settle()
    offers = court.offered(to_escalate)
    helped = offers[12:]
    for offer in (*offers[:5], *helped):
        court.door.press(offer.agent_id, ActionId.ACCEPT, str(offer.id))
    court.door.settle()
    for offer in helped:
        court.door.press(offer.agent_id, ActionId.RESOLVE, str(offer.id))
    court.door.settle()
    for offer in helped:
        court.door.press(REQUESTER, f"{ActionId.RATE}:good", str(offer.request_id))
    court.door.settle()
    with court.db.reading() as session:
        states = {
            row.id: row.state for row in session.execute(select(SupportRequest.id, SupportRequest.state))
        }
        court.began = max(session.scalars(select(Event.id)))
    assert {states[request_id] for request_id in suggested} == {RequestState.SUGGESTED}
    assert {states[offer.request_id] for offer in offers[:5]} == {RequestState.IN_PROGRESS}

    def own(request_ids: list[int]) -> list[tuple[str, int | None, str | None]]:
        return [(str(request_id), request_id, None) for request_id in request_ids]

    def given(some: list[Assignment]) -> list[tuple[str, int | None, str | None]]:
        return [(str(offer.id), offer.request_id, offer.agent_id) for offer in some]

    close = [(f"{request_id}:{suggestions[request_id]}", request_id, None) for request_id in suggested[:4]]
    targets = {
        ActionId.CLOSE: close[:2],
        ActionId.OPEN_LINK: close[2:],
        ActionId.ASK_PERSON: own(suggested[4:6]),
        ActionId.WITHDRAW: own(suggested[6:8]),
        ActionId.UNDO: own(to_close),
        ActionId.ESCALATION_REASON: own(to_escalate[5:7]),  # their cards still ask for it
        ActionId.RESOLVE: given(offers[:3]),
        ActionId.HAND_BACK: given(offers[3:5]),
        ActionId.ACCEPT: given(offers[5:7]),
        ActionId.DECLINE: given(offers[7:9]),
        ActionId.ERASE: [("U0NOBODY", None, None)],
        ActionId.RATE: own([helped[0].request_id, helped[1].request_id]),
        ActionId.COMMENT: own([helped[0].request_id]),
        CallbackId.COMMENT_FORM: own([helped[0].request_id, helped[2].request_id]),
        TAKE: [(str(offer.request_id), offer.request_id, offer.agent_id) for offer in offers[9:12]],
    }
    for what, row in table.items():
        court.try_row(what, row, targets.get(what, [("me", None, None)]))  # type: ignore[call-overload]
    assert len(court.trials) == len(table) * len(COLUMNS)
    assert court.verdicts() == []


@pytest.mark.parametrize("team", [STRANGE_TEAM, TEAM_ID])
def test_no_ones_words_or_numbers_reach_another_workspace(
    sqlite_desk: Any, open_door: Any, team: str
) -> None:
    """What belongs to one workspace is neither shown to nor changed from another, whoever asks there."""
    door = open_door(sqlite_desk)
    door.message(REQUESTER, "vpn and a secret of ours")
    door.settle()
    url = door.command(ADMIN, "stats all", team)
    door.settle()
    with door.bot.deps.db.reading() as session:
        rows = session.scalars(select(OutboxRow).where(OutboxRow.kind == OutboxKind.RESPOND)).all()
    said = str([row.payload for row in rows if row.payload["response_url"] == url])
    assert ("request" in said) == (team == TEAM_ID)
    assert ("another workspace" in said) == (team == STRANGE_TEAM)
    assert "secret of ours" not in said
