"""`match`: waiting tasks and agents in, assignments with reasons out. Pure: same input, same answer, in any order.

Ties break by a written rule. Tasks stand in line by deadline, creation, id; free places by how much their agent has in
hand, then by agent id. The hungarian policy then follows `routing.solver`; the others give a tie to the smaller agent id.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from routing.adaptive.line import refuse_twins
from routing.adaptive.matching import match_adaptively
from routing.adaptive.roster import Roster
from routing.checks import refuse_naive
from routing.eligibility import Eligibility, filter_pairs, why_waiting
from routing.errors import InvalidParams
from routing.hungarian import HungarianPrices
from routing.in_turn import InTurn, in_turn_policy, price, total
from routing.model import Agent, Assignment, Matching, RunnerUp, Similarity, Task, Term
from routing.params import MatchParams, Policy
from routing.solver import solve

_DEFAULTS = MatchParams()


def match(
    tasks: Iterable[Task],
    agents: Iterable[Agent] | Roster,
    now: datetime,
    params: MatchParams = _DEFAULTS,
    similarity: Similarity | None = None,
) -> Matching:
    """Give waiting tasks to agents who are on, able and have a free place; say of the rest why they wait.

    A `Roster`, prepared once with its similarity, saves the work of preparing agents at every call.
    As many tasks as possible are given out. Without `similarity`, different markets count as not alike at all.
    Raises InvalidTask or InvalidAgent for an id that occurs twice, InvalidParams for a bad time or similarity.
    """
    refuse_naive(InvalidParams, "now", now)
    if not isinstance(agents, Roster):
        agents = Roster(agents, similarity)
    elif similarity is not None:
        raise InvalidParams("a roster has its similarity already: leave similarity out")
    if params.policy is Policy.ADAPTIVE:
        return match_adaptively(tasks, agents, now, params.adaptive)
    line = sorted(tasks, key=lambda task: (task.deadline_at, task.created_at, task.id))
    refuse_twins(line)
    return _match_plainly(line, agents, now, params)


def _match_plainly(line: Sequence[Task], roster: Roster, now: datetime, params: MatchParams) -> Matching:
    staff = roster.agents
    if not line:
        return Matching((), ())
    pairs = filter_pairs(line, staff, now, params)
    if params.policy is Policy.HUNGARIAN:
        chosen = _match_jointly(
            line, staff, pairs, HungarianPrices(line, staff, pairs, now, params, roster.similarity)
        )
    else:
        chosen = _match_in_turn(line, staff, pairs, in_turn_policy(params, now))
    waiting = [why_waiting(task, row, staff, pairs) for row, task in enumerate(line) if row not in chosen]
    return Matching(tuple(chosen[row] for row in sorted(chosen)), tuple(waiting))


def _match_jointly(
    line: Sequence[Task], staff: Sequence[Agent], pairs: Eligibility, prices: HungarianPrices
) -> dict[int, Assignment]:
    if not prices.places:
        return {}
    owners = [column for column, _ in prices.places]
    chosen: dict[int, Assignment] = {}
    for row, at in solve(prices.place_costs(), pairs.allowed[:, owners]):
        column, place = prices.places[at]
        terms = prices.terms(row, column, place)
        alone = prices.first_place_costs(row)
        others = [(float(alone[c]), staff[c].id) for c in pairs.open[row].nonzero()[0] if c != column]
        chosen[row] = _assign(line[row], staff[column], terms, others)
    return chosen


def _match_in_turn(
    line: Sequence[Task], staff: Sequence[Agent], pairs: Eligibility, policy: InTurn
) -> dict[int, Assignment]:
    left = [int(count) for count in pairs.free_places]
    allowed = pairs.allowed
    chosen: dict[int, Assignment] = {}
    for row in sorted(range(len(line)), key=lambda row: policy.turn(line[row])):
        offers = []
        for column in allowed[row].nonzero()[0]:
            if left[column] > 0:
                agent = staff[column]
                in_hand = agent.capacity - left[column]
                terms = price(policy, line[row], agent, in_hand, pairs, (row, int(column)))
                offers.append((total(terms), agent.id, int(column), terms))
        if not offers:
            continue
        offers.sort(key=lambda offer: offer[:2])
        _, _, column, terms = offers[0]
        left[column] -= 1
        chosen[row] = _assign(line[row], staff[column], terms, [offer[:2] for offer in offers[1:]])
    return chosen


def _assign(
    task: Task, agent: Agent, terms: tuple[Term, ...], others: Sequence[tuple[float, str]]
) -> Assignment:
    cost = total(terms)
    runner_up = None
    if others:
        next_cost, next_id = min(others)
        runner_up = RunnerUp(next_id, next_cost, next_cost - cost)
    return Assignment(task.id, agent.id, cost, terms, runner_up)
