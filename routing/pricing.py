"""What any one pair would cost and why, under any policy, looked at alone: the agent's first free place, nothing given out."""

from collections.abc import Sequence
from datetime import datetime

from routing.adaptive.moment import Moment
from routing.adaptive.reasons import pair_terms
from routing.adaptive.roster import Roster
from routing.eligibility import filter_pairs
from routing.hungarian import HungarianPrices
from routing.in_turn import in_turn_policy, price
from routing.model import Task, Term
from routing.params import MatchParams, Policy


def terms_alone(
    task: Task, roster: Roster, columns: Sequence[int], now: datetime, params: MatchParams
) -> list[tuple[Term, ...]]:
    """The terms of the task with each of the agents in these columns of the roster, whether they may take it or not."""
    if params.policy is Policy.ADAPTIVE:
        moment = Moment([task], roster, now, params.adaptive)
        return [pair_terms(moment, 0, column, roster.agents[column].load) for column in columns]
    pairs = filter_pairs([task], roster.agents, now, params)
    if params.policy is Policy.HUNGARIAN:
        prices = HungarianPrices([task], roster.agents, pairs, now, params, roster.similarity)
        return [prices.terms(0, column, 1) for column in columns]
    policy = in_turn_policy(params, now)
    agents = roster.agents
    return [price(policy, task, agents[c], agents[c].load, pairs, (0, c)) for c in columns]
