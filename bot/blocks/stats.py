"""`/firstline stats` as Block Kit: counts first, then times, then a table by category."""

from collections.abc import Mapping

from slack_sdk.models.blocks import Block, DividerBlock, HeaderBlock

from bot.blocks.message import Message, section, small
from bot.blocks.satisfaction import FACES
from bot.blocks.text import category_name, duration, escape, quote
from bot.services.answering import NO_ANSWER, NO_DECISION
from bot.services.periods import Period
from bot.services.stats import Counts, SatisfactionCounts, Stats
from classifier import AbstainReason, Answer

TITLES = {
    Period.WEEK: "the last 7 days",
    Period.MONTH: "the last 30 days",
    Period.ALL: "all time",
}
REASONS = {
    AbstainReason.OUT_OF_SCOPE: "about something it has no answer for",
    AbstainReason.UNSURE: "too unsure to suggest anything",
    AbstainReason.OVER_MASKED: "masked too much to be understood",
    AbstainReason.EMPTY: "without words",
    AbstainReason.UNSUPPORTED_LANGUAGE: "in a language that the model does not read",
    NO_DECISION: "while there was no model",
    NO_ANSWER: "about a category without a written answer",
}
"""What follows a number of requests for which nothing was suggested."""
FEW = 30  # requests, or answers: below this a share says little
ROWS = 12  # categories in the table
COMMENT_LIMIT = 400  # characters
NAME_WIDTH = 20  # characters: the table is to fit a narrow window without wrapping


def stats_message(stats: Stats, answers: Mapping[str, Answer]) -> Message:
    """The numbers of a period."""
    title = f"Firstline, {TITLES[stats.period]}"
    total = stats.total
    if total.opened == 0:
        return Message(f"{title}: no requests yet", (HeaderBlock(text=title), section("No requests yet.")))
    blocks: list[Block] = [
        HeaderBlock(text=title),
        section(_outcomes(total)),
        section(_suggestions(stats)),
        section(_times(stats)),
        *_satisfaction(stats.satisfaction),
        DividerBlock(),
        section(f"```{_table(stats, answers)}```"),
        small(_explanation(total)),
    ]
    summary = f"{title}: {total.opened} opened, {total.deflected} deflected, {total.escalated} escalated"
    return Message(summary, tuple(blocks))


def _outcomes(total: Counts) -> str:
    return (
        f"*{total.opened}* request{'' if total.opened == 1 else 's'}\n"
        f"• *{_share(total.deflected, total.opened)}* deflected, {total.pending} more closed but still within the window\n"
        f"• *{_share(total.resolved, total.opened)}* resolved by a person\n"
        f"• {total.still_open} open, {total.withdrawn} withdrawn"
    )


def _suggestions(stats: Stats) -> str:
    total = stats.total
    return (
        f"Suggestions for {_share(total.suggested, total.opened)}; of these\n"
        f"• {_share(total.engaged, total.suggested)} saw a click\n"
        f"• {_share(total.escalated, total.suggested)} went on to a person\n"
        f"Straight to a person: {_share(total.abstained, total.opened)}. Reopened: {total.reopened}."
        f"{_why_no_suggestion(stats)}"
    )


def _why_no_suggestion(stats: Stats) -> str:
    """A line for each reason, with the languages of those turned away for theirs; nothing if there are none."""
    lines = []
    for reason, count in stats.no_suggestion:
        line = f"• {count} {REASONS.get(reason) or escape(reason, 80)}"
        if reason == AbstainReason.UNSUPPORTED_LANGUAGE and stats.unread_languages:
            line += f" ({', '.join(f'{language}: {n}' for language, n in stats.unread_languages[:6])})"
        lines.append(line)
    return "".join(f"\n{line}" for line in lines)


def _times(stats: Stats) -> str:
    medians = (
        ("the first answer", stats.median_answer_s),
        ("somebody who took it, once a person was wanted", stats.median_accept_s),
        ("its resolution by a person", stats.median_resolve_s),
    )
    lines = [f"• {what}: *{duration(max(0.0, seconds))}*" for what, seconds in medians if seconds is not None]
    return "\n".join(["Median time to", *lines])


def _satisfaction(said: SatisfactionCounts) -> list[Block]:
    """What requesters say of the help they got, and the newest of their comments; nothing while nobody was asked."""
    if not said.asked:
        return []
    counts = f"{said.good} good, {said.so_so} so so, {said.bad} bad of {said.asked} asked"
    share = f"{said.good / said.answered:.0%} good" if said.answered >= FEW else "too few answers to say more"
    comments = (
        section(f"{FACES[answer]}\n{quote(comment, COMMENT_LIMIT)}") for answer, comment in said.comments
    )
    return [section(f"Satisfaction: *{counts}*; {share}"), *comments]


def _table(stats: Stats, answers: Mapping[str, Answer]) -> str:
    lines = [f"{'category':{NAME_WIDTH}} {'all':>5} {'deflected':>9} {'person':>6}"]
    for category, counts in stats.by_category[:ROWS]:
        name = category_name(category, answers)[:NAME_WIDTH]
        to_person = counts.escalated + counts.abstained
        lines.append(f"{name:{NAME_WIDTH}} {counts.opened:>5} {counts.deflected:>9} {to_person:>6}")
    left = len(stats.by_category) - ROWS
    if left > 0:
        lines.append(f"and {left} more")
    return escape("\n".join(lines), 2900)


def _explanation(total: Counts) -> str:
    meaning = "Deflected: closed with a suggestion's button and not reopened within the window. Silence counts as nothing."
    few = f" Fewer than {FEW} requests are too few to judge shares by." if total.opened < FEW else ""
    return meaning + few


def _share(part: int, whole: int) -> str:
    return f"{part} ({part / whole:.0%})" if whole else str(part)
