"""What goes out: cards in which nobody's words come alive, statements that no words change, cells that run nothing."""

import ast
import csv
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, inspect

from bot.blocks import agent_cards, erasing, request_cards
from bot.blocks.home import home_blocks
from bot.blocks.message import Message
from bot.blocks.why import pulled_message, why_message
from bot.export import export_events
from bot.ids import ActionId, EventKind
from bot.lifecycle import AssignmentState
from bot.services.assignments import Answered
from bot.services.pulling import Pulled
from bot.services.views import Shown
from bot.services.why import Explained, WhyNotThem
from bot.storage.database import Database, open_engine
from bot.storage.tables import Base, Event
from classifier import Answer
from playground.markup import live_mentions
from tests.bot.blocks.test_cards import HOME, NOW, OFFER, REQUEST, WHY
from tests.scenarios.conftest import utc_now
from tests.sizes import at_full_size

ROOT = Path(__file__).parents[2]
EXAMPLES = 5_000 if at_full_size() else 250
OURS = {"<@URILEY>", "<@UANA>", "<@UBEN>"}  # the requester and the agents, mentioned by the card itself
OUR_DATE = re.compile(r"<!date\^\d+\^\{date_short_pretty\} at \{time\}\|[-\d]{10} [\d:]{5} UTC>")

FRAGMENTS = (
    *(
        "<!channel>",
        "<!here|here>",
        "<!everyone>",
        "<@U0BOSS>",
        "<@U0BOSS|boss>",
        "<#C0HELP|help>",
        "<!subteam^S1>",
    ),
    *(
        "<https://evil.example|your bank>",
        "https://evil.example",
        "evil.example/x",
        "<mailto:a@evil.example>",
    ),
    *(
        "@channel",
        "@here",
        "@everyone",
        "@boss",
        "#general",
        "<!date^1^{date}^https://evil.example|now>",
        "<tel:1>",
    ),
    *(
        "<",
        ">",
        "&",
        "|",
        "&lt;!channel&gt;",
        "&amp;lt;",
        "&#60;!here&#62;",
        "<!chan",
        "nel>",
        "<<!channel>>",
        "<\n!here>",
    ),
    *(
        "*",
        "_",
        "~",
        "`",
        "```",
        "> ",
        ">>> ",
        "\n",
        "\r",
        "\t",
        "\u2028",
        "\u202e",
        "\u2066",
        "\u200b",
        "\x00",
        "\ufeff",
    ),
    *(
        "\ud83d",
        "🎉",
        "<\u200b!channel>",
        "＜!channel＞",
        "<script>alert(1)</script>",
        "'; DROP TABLE x; --",
        "{}",
        "%s",
        "\\",
    ),
)
CORPUS = (
    *FRAGMENTS,
    "".join(FRAGMENTS),
    "<!channel>" * 2_000,
    "&" * 9_000,
    "a" * 2_995 + "<!channel>",
    "\n" * 3_000 + "<@U0BOSS>",
    *("x" * n + "<@U0BOSS>" for n in (140, 146, 149, 495, 590, 1_490, 2_990)),
)
hostile = st.lists(
    st.sampled_from(FRAGMENTS) | st.text(st.characters(codec=None), max_size=12), max_size=12
).map("".join)


def cards(words: str) -> Iterator[tuple[str, Message]]:
    """Every card that shows what somebody wrote, with these words wherever words can stand."""
    request = replace(REQUEST, text=words, category=words or None)
    offer = replace(OFFER, request=request, words=words, reason=words)
    answer = Answer("c", words, words, (words, words), "", True)
    answers = {"c": answer}
    why = replace(WHY, category=words, reason=words, terms=(), runner_up=None, flip=None)
    not_them = replace(why, not_them=WhyNotThem("UBEN", words))
    yield (
        "suggestions",
        request_cards.suggestion_card(request, [Shown(1, 1, "Yes", answer), Shown(2, 2, "Yes", answer)]),
    )
    yield "closed", request_cards.closed_card(request, words)
    yield "waiting", request_cards.waiting_card(request, words, ask_reason=True)
    yield "offer", agent_cards.offer_card(offer, NOW, answers)
    yield "accepted", agent_cards.accepted_card(offer, NOW, answers)
    yield "ended", agent_cards.ended_card(offer, AssignmentState.DECLINED)
    yield "introduction", agent_cards.introduction(offer)
    yield "forwarded", agent_cards.forwarded(request, words)
    yield "nobody free", agent_cards.nobody_free(request, words, answers)
    yield "somebody took", agent_cards.somebody_took(request)
    yield "nobody needed", agent_cards.nobody_needed(request)
    yield "pulled", pulled_message(Pulled(Answered(offer, AssignmentState.ACCEPTED, 1)))
    yield "not pulled", pulled_message(Pulled(None, words))
    yield "why", why_message(Explained((why, not_them), for_admin=True), answers)
    desk = replace(HOME.desk, in_hand=(offer,)) if HOME.desk else None
    overview = replace(HOME.overview, model_fault=words) if HOME.overview else None
    yield (
        "home",
        Message("", home_blocks(replace(HOME, mine=(request,), desk=desk, overview=overview), answers)),
    )


def check_harmless(name: str, message: Message) -> None:
    """Nothing between < and > but what the card itself put there, and nothing that Slack would link by itself."""
    blocks = [block.to_dict() for block in message.blocks]
    mrkdwn = [node for node in _nodes(blocks) if node.get("type") == "mrkdwn"]
    for text in [message.text, *(node.get("text", "") for node in mrkdwn)]:
        strange = [
            token
            for token in re.findall(r"<[^<>]*>?", text)
            if token not in OURS and not OUR_DATE.fullmatch(token)
        ]
        assert strange == [], (name, strange)
        assert text.count("<") == text.count(">") - len(re.findall(r"(?m)^> ?|^>$", text)), name
        text.encode()
    assert all(node.get("verbatim") is True for node in mrkdwn if not _is_confirmation(node)), name
    assert not [
        node
        for node in _nodes(blocks)
        if str(node.get("type")).startswith(("rich_text", "markdown", "video"))
    ]
    assert set(live_mentions(message.text, blocks, link_names=False)) <= {"URILEY", "UANA", "UBEN"}, name
    for node in _nodes(blocks):
        if "action_id" in node:
            assert re.fullmatch(r"[0-9:]*|me|[UW][A-Z0-9]+", node.get("value") or ""), (
                "a value holds ids only"
            )


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _nodes(value)
    elif isinstance(node, list):
        for value in node:
            yield from _nodes(value)


def _is_confirmation(node: dict[str, Any]) -> bool:
    """The SDK makes mrkdwn of our own sentence in a confirmation."""
    return node.get("text") == "This cannot be undone."


@pytest.mark.parametrize("words", CORPUS, ids=range(len(CORPUS)))
def test_known_tricks_do_not_come_alive(words: str) -> None:
    """Mentions, links, entities, controls and cuts in the middle of an escape stay words on every card."""
    for name, card in cards(words):
        check_harmless(name, card)


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(hostile)
def test_generated_words_do_not_come_alive(words: str) -> None:
    """Whatever is put together from these, no card mentions, links or notifies by it."""
    for name, card in cards(words):
        check_harmless(name, card)


def test_the_card_that_forgets_names_its_person_alone() -> None:
    """The id in it has been read as an id before."""
    card = erasing.erase_card("URILEY")
    check_harmless("erase", card)
    assert live_mentions(card.text, [block.to_dict() for block in card.blocks]) == ("URILEY",)


SQL = "Robert'); DROP TABLE support_requests;--"


def test_no_words_change_a_statement(sqlite_desk: Any, open_door: Any) -> None:
    """Through messages, files, commands, clicks and ids: words are parameters, and every table is still there."""
    door = open_door(sqlite_desk, firstline_max_attempts=1)
    engine = door.bot.deps.db.engine
    statements: set[str] = set()
    event.listen(
        engine, "before_cursor_execute", lambda _c, _cursor, statement, *_rest: statements.add(statement)
    )
    door.message("U0RILEY", f"vpn {SQL}", files=[{"name": SQL}])
    door.message(f"U0{SQL}"[:30], f"vpn {SQL}", channel=f"D{SQL}"[:30])
    door.settle()
    for action in ActionId:
        door.press("U0RILEY", f"{action}:{SQL}", f"1 OR {SQL}")
        door.press(f"U0{SQL}"[:30], action, "1:1")
    for words in ("stats", "erase", "why", "on", "next", SQL):
        door.command("U0MORGAN", f"{words} {SQL}")
    door.settle()
    assert any("INSERT INTO support_requests" in statement for statement in statements)
    assert not [statement for statement in statements if "DROP" in statement or "Robert" in statement]
    assert set(inspect(engine).get_table_names()) >= set(Base.metadata.tables)


def test_statements_are_never_put_together_from_strings() -> None:
    """Only names of our own tables and our own numbers stand in SQL that is written out; nothing else is formatted in."""
    found = []
    for path in (ROOT / "bot").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            name = (
                node.func.attr if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) else ""
            )
            name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else name
            if name in ("text", "literal_column", "exec_driver_sql") and not _is_plain(node):
                found.append(f"{path.relative_to(ROOT)}: {ast.unparse(node)}")
    assert sorted(found) == [
        "bot/storage/scrubbing.py: text(f\"SET lock_timeout = '{LOCK_TIMEOUT_S}s'\")",
        "bot/storage/scrubbing.py: text(f'VACUUM (FULL) {table.name}')",
    ]


def _is_plain(call: ast.AST) -> bool:
    """Whether the statement is one constant (or a choice between constants)."""
    assert isinstance(call, ast.Call)
    if not call.args:
        return True
    written = call.args[0]
    branches = [written.body, written.orelse] if isinstance(written, ast.IfExp) else [written]
    return all(isinstance(branch, ast.Constant) for branch in branches)


CELLS = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "＝1",
    "＋1",
    "－1",
    "＠x",
    "\ufeff=1",
    '"=1"',
)


@pytest.mark.parametrize("cell", CELLS)
def test_no_exported_cell_is_a_formula(sqlite_url: str, tmp_path: Path, cell: str) -> None:
    """A spreadsheet shows what it would otherwise run; JSON lines hold it as it was."""
    db = Database(open_engine(sqlite_url))
    with db.writing() as session:
        session.add(
            Event(team_id=cell, at=utc_now(), kind=EventKind.OPENED, actor_id=cell, data={cell: cell})
        )
    export_events(db, tmp_path / "events.csv")
    export_events(db, tmp_path / "events.jsonl")
    with (tmp_path / "events.csv").open(newline="", encoding="utf-8") as file:
        _head, row = list(csv.reader(file))
    assert not [field for field in row if re.match(r"\s*[=+\-@＝＋－＠\ufeff]", field)]
    assert cell in row[1]
    db.dispose()
