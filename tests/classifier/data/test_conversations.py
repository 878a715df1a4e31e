"""`data`: from exported conversations to rows to train on, as someone at a terminal meets it."""

import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from classifier.data.dataset import read_dataset
from classifier.data.partitions import open_source
from classifier.data.tables import read_rows, write_rows

Said = dict[str, Any]


def said(text: str, role: str = "user", at: int | None = None, **more: Any) -> Said:
    time = {} if at is None else {"ts": f"2026-01-05T09:{at:02d}:00Z"}
    return {"role": role, "text": text} | time | more


def talk(*messages: Said, category: str = "vpn", **more: Any) -> dict[str, Any]:
    return {"category": category, "messages": list(messages)} | more


def write_talks(path: Path, talks: list[dict[str, Any]]) -> Path:
    """The same conversations in the form that the name asks for; tables have one message in each row."""
    if ".jsonl" in path.name:
        content = "\n".join(json.dumps(one) for one in talks).encode()
        path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
        return path
    rows = [
        {"conversation": one.get("conversation", f"C{n}"), "category": one["category"]}
        | {name: str(message.get(name, "")) for name in ("role", "author", "text", "ts", "bot")}
        | {"language": one.get("language", "")}
        for n, one in enumerate(talks)
        for message in one["messages"]
    ]
    write_rows(path, list(rows[0]), rows)
    return path


FORMS = ("jsonl", "jsonl.gz", "csv", "csv.gz", "parquet")


@pytest.fixture
def extract(command: Any, tmp_path: Path) -> Any:
    """Runs `data` on conversations, in JSON lines unless another form is named; what it told, and the rows it wrote."""

    def run(talks: list[dict[str, Any]], *options: str, form: str = "jsonl", out: str = "out.csv") -> Any:
        history = write_talks(tmp_path / f"history.{form}", talks)
        done = command("data", "--history", str(history), "--out", str(tmp_path / out), "--json", *options)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout), read_rows(tmp_path / out, ("text", "category"))

    return run


@pytest.mark.parametrize(
    ("form", "out"), [*((form, "out.csv") for form in FORMS), ("csv", "out.jsonl.gz"), ("csv", "out.parquet")]
)
def test_every_form_is_read_and_written(extract: Any, form: str, out: str) -> None:
    """The same conversations give the same rows in every form; times order messages whatever order they are exported in."""
    talks = [
        talk(said("and now?", at=9), said("vpn drops", at=1), said("try again", "agent", at=5)),
        talk(said("drucker klemmt, ruft bitte an", at=2), category="print", language="de", conversation="C9"),
        talk(said('a "quoted", text\nof two lines', at=3), category="print"),
    ]
    told, rows = extract(talks, form=form, out=out)
    assert [(row["text"], row["category"], row["language"], row["date"]) for row in rows] == [
        ("vpn drops", "vpn", "", "2026-01-05T09:01:00+00:00"),
        ("drucker klemmt, ruft bitte an", "print", "de", "2026-01-05T09:02:00+00:00"),
        ('a "quoted", text\nof two lines', "print", "", "2026-01-05T09:03:00+00:00"),
    ]
    assert rows[1]["conversation"] == "C9"
    assert told["kept"] == told["conversations"] == 3
    assert told["categories"] == {"print": 2, "vpn": 1}
    assert set(told["dropped"].values()) == {0}


@pytest.mark.parametrize(
    ("window", "text"),
    [("1", "vpn drops"), ("2", "vpn drops\nevery hour"), ("9", "vpn drops\nevery hour\nsince monday")],
)
def test_the_window_counts_the_requesters_messages(extract: Any, window: str, text: str) -> None:
    """Of the requester's messages that say something the first so many count; what others wrote is not one of them."""
    messages = [
        said("Hi there :wave:"),
        said("hello, how can I help?", "agent"),
        said("  "),
        said("vpn drops"),
        said("did you restart it?", "agent"),
        said("every hour"),
        said("since monday"),
    ]
    _, rows = extract([talk(*messages)], "--window", window)
    assert [row["text"] for row in rows] == [text]


def test_bots_and_agents_never_count(extract: Any) -> None:
    """Known roles, the bot mark whatever the role, notices of nobody, and people named on the command line are no requesters."""
    others = [
        said("Ticket created", "bot"),
        said("automatic reply", "user", bot=True),
        said("joined the channel", ""),
        said("what is it?", "Support"),
        said("shall I?", "service_desk"),
        said("me too", "user", author="Ann"),
    ]
    _, rows = extract([talk(*others, said("vpn drops", "End User"))], "--agent", "ann")
    assert [row["text"] for row in rows] == ["vpn drops"]


def test_without_roles_the_first_author_asks(extract: Any) -> None:
    """Where only ids tell who wrote, whoever wrote first is the requester, unless somebody is named as one."""
    messages = [
        {"author": "U1", "text": "vpn drops"},
        {"author": "U2", "text": "restart it"},
        {"author": "U1", "text": "it helped"},
    ]
    _, rows = extract([talk(*messages)], "--window", "5")
    assert [row["text"] for row in rows] == ["vpn drops\nit helped"]
    _, rows = extract([talk(*messages)], "--requester", "u2")
    assert [row["text"] for row in rows] == ["restart it"]
    _, rows = extract([talk(*messages)], "--agent", "U1")
    assert [row["text"] for row in rows] == ["restart it"]


def test_what_is_dropped_is_counted_by_reason(extract: Any, command: Any, tmp_path: Path) -> None:
    """Each conversation that teaches nothing is counted under the first reason that holds, in JSON and in the table."""
    talks = [
        talk(said("vpn drops")),
        talk(said("Ticket created", "bot")),
        talk(said("  "), said(":tada:")),
        talk(said("Good morning team!"), said("")),
        talk(said("**** xxx [redacted] help")),
        talk(said("no category"), category=" "),
        talk(said("")),
    ]
    told, rows = extract(talks)
    assert told["dropped"] == {
        "no_requester": 1,
        "empty": 2,
        "only_greeting": 1,
        "over_masked": 1,
        "no_category": 1,
        "several_categories": 0,
    }
    assert (told["conversations"], told["kept"], len(rows)) == (7, 1, 1)
    history, out = str(tmp_path / "history.jsonl"), str(tmp_path / "again.csv")
    printed = command("data", "--history", history, "--out", out).stdout
    assert "1 of 7 conversations are in" in printed
    assert "the requester only greeted" in printed
    assert "too many words are masked" in printed


def test_a_conversation_of_two_categories_is_not_guessed(extract: Any) -> None:
    """Rows of one conversation under two categories are dropped and counted; one category on some of its rows is enough."""
    talks = [
        talk(said("vpn drops"), conversation="A"),
        talk(said("printer jams"), category="print", conversation="A"),
        talk(said("monitor flickers"), category="screen", conversation="B"),
        talk(said("it is dark"), category="", conversation="B"),
    ]
    told, rows = extract(talks, form="csv")
    assert told["dropped"]["several_categories"] == 1
    assert [(row["text"], row["category"]) for row in rows] == [("monitor flickers", "screen")]


@pytest.mark.parametrize(
    ("text", "most", "kept"),
    [
        ("**** my vpn drops", "0.3", True),
        ("**** **** my vpn drops", "0.3", False),
        ("**** **** my vpn drops", "0.4", True),
        ("**** one two three four five six seven eight nine", "0", False),
        ("**** ****", "1", True),
        ("███ ▒▒▒ [REDACTED] vpn", "0.3", False),
    ],
)
def test_masked_messages_are_filtered_by_share(extract: Any, text: str, most: str, kept: bool) -> None:
    """A message is dropped when more than that share of its words is masked; exactly that share stays."""
    told, rows = extract([talk(said(text)), talk(said("printer jams"))], "--most-masked", most)
    assert told["dropped"]["over_masked"] == (not kept)
    assert len(rows) == 1 + kept


def test_rows_without_an_id_are_each_their_own(command: Any, tmp_path: Path) -> None:
    """A table's rows without a conversation are not joined into one long talk among strangers."""
    history = tmp_path / "history.csv"
    with history.open("w", newline="") as file:
        lines = [
            ("conversation", "role", "text", "category"),
            ("", "user", "vpn drops", "a"),
            ("", "user", "jam", "b"),
        ]
        csv.writer(file).writerows(lines)
    out = tmp_path / "out.jsonl"
    assert command("data", "--history", str(history), "--out", str(out)).returncode == 0
    assert [row["conversation"] for row in read_rows(out, ())] == ["row 1", "row 2"]


def test_own_names_of_columns(command: Any, tmp_path: Path) -> None:
    """Every column can be called as the export calls it."""
    history = tmp_path / "history.jsonl"
    message = {"from": "U1", "kind": "caller", "body": "vpn drops", "when": 1767603600, "is_bot": "no"}
    one = {"ticket": 7, "queue": "net", "lang": "en", "messages": [message]}
    history.write_text(json.dumps(one))
    names = {
        "conversation": "ticket",
        "author": "from",
        "role": "kind",
        "text": "body",
        "time": "when",
        "bot": "is_bot",
        "category": "queue",
        "language": "lang",
    }
    options = [part for name, own in names.items() for part in (f"--{name}-column", own)]
    out = tmp_path / "out.csv"
    done = command(
        "data", "--history", str(history), "--out", str(out), *options, "--requester", "Caller", "--json"
    )
    assert done.returncode == 0, done.stderr
    assert read_rows(out, ()) == [
        {
            "text": "vpn drops",
            "category": "net",
            "language": "en",
            "date": "2026-01-05T09:00:00+00:00",
            "conversation": "7",
        }
    ]


def test_near_duplicates_are_counted(extract: Any) -> None:
    """Messages that say nearly the same are kept, and how many there are is told."""
    talks = [talk(said("Printer jams!")), talk(said("printer JAMS")), talk(said("vpn drops"))]
    told, rows = extract(talks)
    assert (len(rows), told["near_duplicates"], told["largest_group_of_near_duplicates"]) == (3, 1, 2)


def test_what_is_written_can_be_trained_and_embedded(extract: Any, tmp_path: Path) -> None:
    """The file is a dataset as it stands, and a source of partitions known by their content."""
    talks = [
        talk(said(f"thing {n} is broken", at=n), category="ab"[n % 2], conversation=f"C{n}")
        for n in range(40)
    ]
    extract(talks, out="out.parquet")
    dataset = read_dataset(tmp_path / "out.parquet")
    assert dataset.counts() == {"a": 20, "b": 20}
    assert {example.language for example in dataset.examples} == {None}
    source = open_source(tmp_path / "out.parquet", "text", None, rows_each=15)
    parts = list(source.partitions())
    assert (source.rows, [len(part) for part in parts]) == (40, [15, 15, 10])
    assert [part.place for part in parts] == [0, 1, 2]
    assert source.key_columns == ("category", "date", "conversation")
    assert parts[2].words()[-1] == "thing 39 is broken"
    extract(talks[15:30], out="part.parquet")
    (alone,) = open_source(tmp_path / "part.parquet", "text", None, rows_each=15).partitions()
    assert alone.content == parts[1].content
    assert len({part.content for part in parts}) == 3


@pytest.mark.parametrize(
    ("talks", "options", "complaint"),
    [
        ([talk(said("vpn", "wizard"))], (), "do these roles write requests? wizard (1)"),
        ([talk(said("hi"))], (), "none of 1 conversations can be kept (the requester only greeted: 1)"),
        ([talk({"role": "user", "body": "vpn"})], (), "no message has 'text' (there are: role, body)"),
        ([talk({"text": "vpn"})], (), "no message has 'author' or 'role'"),
        ([talk()], (), "holds no messages"),
        ([{"category": "vpn", "messages": "vpn drops"}], (), "line 1: no list of messages"),
        ([{"category": "vpn"}], (), "line 1: no list of messages"),
        ([talk(said("vpn", ts="yesterday"))], (), "'yesterday' in ts is no time"),
        ([talk(said("vpn"))], ("--window", "0"), "--window"),
        ([talk(said("vpn"))], ("--most-masked", "1.5"), "--most-masked"),
    ],
)
def test_a_useless_history_is_refused(
    command: Any, tmp_path: Path, talks: list[dict[str, Any]], options: tuple[str, ...], complaint: str
) -> None:
    """What is wrong is said, nothing is written, and what was written before stays."""
    history, out = write_talks(tmp_path / "history.jsonl", talks), tmp_path / "out.csv"
    out.write_text("as it was")
    done = command("data", "--history", str(history), "--out", str(out), *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert options or complaint in done.stderr.strip().splitlines()[-1]
    assert complaint in done.stderr
    assert out.read_text() == "as it was"


def test_the_history_is_not_written_over(command: Any, tmp_path: Path) -> None:
    """Neither itself nor a name without a known ending is written to, and that is said before the work."""
    history = write_talks(tmp_path / "history.jsonl", [talk(said("vpn drops"))])
    before = history.read_bytes()
    done = command("data", "--history", str(history), "--out", str(history))
    assert (done.returncode, history.read_bytes()) == (2, before)
    assert "is the history itself" in done.stderr
    done = command("data", "--history", str(history), "--out", str(tmp_path / "out.xlsx"))
    assert done.returncode == 2
    assert "ends neither in .csv" in done.stderr
