"""A dark port call's whole story: ports, ways and hours, probabilities, evidence, what else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb

from pipeline.errors import printable

INDENT = " " * 7
LEAST_TOLD = 0.001  # a port group less likely than this is told by its name alone
GRADE_WORDS = {
    "A": "presence confirmed: dated proof inside the window, and p_off of 0.5 or more",
    "B": "probable: P_call of 0.8 or more, and evidence that is not inside it",
    "C": "possible: P_call of 0.4 or more",
    "D": "not assessable: reachable, but too little would have been received of it in any case",
    "X": "excluded: refuted by dated proof; it counts nowhere",
}
SCOPE_WORDS = {
    "in_ru_ir_crossing": "ru_ir_crossing",
    "in_ru_ir_any": "ru_ir_any",
    "in_any_flag_crossing": "any_flag_crossing",
}
Row = dict[str, Any]


@dataclass(frozen=True)
class CallStory:
    """What the published tables say of a call.

    Attributes:
        call: its row of dark_port_calls.
        gaps: its gaps, in order of time.
        candidates: rows of port_candidates of its weightiest gap, likeliest first.
        unreachable: port groups that gap does not reach at bounding speed.
        proofs: confirmations of the ship at the group, with is_inside: within the call's window.
        reviews: of the call, in order of date.
        listed: entries of the watch list.
    """

    call: Row
    gaps: list[Row]
    candidates: list[Row]
    unreachable: list[str]
    proofs: list[Row]
    reviews: list[Row]
    listed: list[Row]

    @property
    def weightiest(self) -> str:
        """The gap whose probability the call has."""
        return self.candidates[0]["gap_id"] if self.candidates else self.gaps[0]["gap_id"]


def read_call(connection: duckdb.DuckDBPyConnection, call_id: str) -> CallStory | None:
    """Return what is told of a call; None where there is none of this id."""

    def ask(query: str, **values: Any) -> list[Row]:
        found = connection.execute(query, values)
        names = [column[0] for column in found.description or []]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    calls = ask("select * from dark_port_calls where call_id = $id", id=call_id)
    if not calls:
        return None
    (call,) = calls
    ids, group = call["gap_ids"].split(";"), call["port_group"]
    ship = {"mmsi": call["mmsi"], "imo": call["imo"]}
    gaps = ask("select * from gaps where list_contains($ids, gap_id) order by off_at", ids=ids)
    # Of several the one with the largest P_call, or prior where there is none, gives the row.
    best = ask(
        "select gap_id from port_candidates where list_contains($ids, gap_id)"
        " and port_group = $group order by p_call desc nulls last, p_prior desc, gap_id limit 1",
        ids=ids,
        group=group,
    )
    of_gap = {"id": best[0]["gap_id"] if best else ids[0]}
    return CallStory(
        call,
        gaps,
        ask(
            "select * from port_candidates where gap_id = $id"
            " order by p_call desc nulls last, p_prior desc, port_group",
            **of_gap,
        ),
        [
            row["port_group"]
            for row in ask(
                "select port_group from port_groups where port_group not in"
                " (select port_group from port_candidates where gap_id = $id) order by port_group",
                **of_gap,
            )
        ],
        ask(
            "select confirmations.*, exists (from gaps as g inner join port_candidates as c"
            " using (gap_id) where list_contains($ids, g.gap_id) and c.port_group = $group"
            " and confirmations.seen_at between c.window_from and c.window_to) as is_inside"
            " from confirmations where port_group = $group and (mmsi = $mmsi or imo = $imo)"
            " order by seen_at, source",
            ids=ids,
            group=group,
            **ship,
        ),
        ask(
            "select * from reviews where call_id = $id order by reviewed_on, rowid",
            id=call_id,
        ),
        ask(
            "select * from watch_list where mmsi = $mmsi or imo = $imo order by listed_on, source",
            **ship,
        ),
    )


def tell_call(story: CallStory) -> list[str]:
    """Return the story of a call, a line each; what strangers typed in is made printable."""
    call = story.call
    name = printable(call["name"]) if call["name"] else "a ship without a name"
    return [
        f"Call   {call['call_id']}, grade {call['grade']}: {GRADE_WORDS[call['grade']]}",
        f"Ship   {name}, {call['flag'] or 'flag unknown'}, {call['fleet']}, MMSI {call['mmsi']}"
        + (f", IMO {call['imo']}" if call["imo"] else ", no trusted IMO number"),
        f"Where  {call['port_group']} ({call['port_country']}), there at the earliest"
        f" {call['window_from']:%Y-%m-%d %H:%M} and at the latest"
        f" {call['window_to']:%Y-%m-%d %H:%M} UTC",
        f"Why    {printable(call['reasons'])}",
        *_tell_gaps(story),
        *_tell_ports(story),
        *_tell_evidence(story),
        *_tell_else(story),
        *_tell_labels(story),
    ]


def _tell_gaps(story: CallStory) -> list[str]:
    """Return a line for each gap of the visit."""
    return [
        f"{'Gaps' if number == 0 else '':<6} {gap['gap_id']}: {gap['off_at']:%Y-%m-%d %H:%M} to"
        f" {gap['on_at']:%Y-%m-%d %H:%M} UTC, {gap['duration_h']:.1f} h,"
        f" {gap['cause'] or 'not judged'}, p_off {_p(gap['p_off'])}"
        for number, gap in enumerate(story.gaps)
    ]


def _tell_ports(story: CallStory) -> list[str]:
    """Return the posterior over port groups and none, and the groups out of reach."""
    if not story.candidates:
        return []
    head = (
        f"{INDENT}{'port group':<18} {'way to':>7} {'way on':>7} {'spare':>7} {'by habits':>10}"
        f" {'set off':>9} {'set on':>9} {'off, flat':>9} {'silence':>8}"
    )
    shown = [row for row in story.candidates if _is_told(row, story.call["port_group"])]
    rows = [
        f"{INDENT}{printable(row['port_group']):<18} {_h(row['to_h'])} {_h(row['from_h'])}"
        f" {_h(row['slack_h'])} {row['p_prior']:>10.3f} {_p(row['p_call']):>9}"
        f" {_p(row['p_unheard']):>9} {_p(row['p_call_flat']):>9} {row['log_silence_gain']:>+8.2f}"
        for row in shown
    ]
    unlikely = [row["port_group"] for row in story.candidates if row not in shown]
    sums = [
        sum(row[name] or 0 for row in story.candidates)
        for name in ("p_prior", "p_call", "p_unheard")
    ]
    told_at = ", ".join(printable(name) for name in unlikely)
    is_judged = story.candidates[0]["p_call"] is not None
    told = [
        f"Ports  where it can have called in gap {story.weightiest}: least hours of the way there",
        f"{INDENT}and on, hours to spare; probability by habits and the way alone, of a call with",
        f"{INDENT}the set off, with it on, off were all groups equally likely before; and how much",
        f"{INDENT}likelier the way there makes silence (log)",
        head,
        *rows,
        *([f"{INDENT}below {LEAST_TOLD:g} in each: {told_at}"] if unlikely else []),
    ]
    if is_judged:
        told.append(
            f"{INDENT}{'in all':<18} {'':>23} {sums[0]:>10.3f} {sums[1]:>9.3f} {sums[2]:>9.3f}:"
            " set off or on, 'none' among them"
        )
    if story.unreachable:
        names = ", ".join(printable(name) for name in story.unreachable)
        told.append(
            f"{INDENT}X, unreachable: even at bounding speed, or by waterways open at that time, no"
            f" 4 h are left for a stay at {names}"
        )
    return told


def _is_told(row: Row, group: str) -> bool:
    """Return whether a port group has a line of its own: the call's, none, and what is likely."""
    figures = (row["p_prior"], row["p_call"] or 0, row["p_unheard"] or 0)
    return row["port_group"] in (group, "none") or max(figures) >= LEAST_TOLD


def _tell_evidence(story: CallStory) -> list[str]:
    """Return what speaks for or against the call beside P_call."""
    call = story.call
    lines = []
    if call["draught_change_m"] is not None:
        changed = f"changed by {call['draught_change_m']:+.1f} m"
        lines.append(
            f"draught typed in {changed if call['draught_change_m'] else 'did not change'}"
        )
    families = call["families"].split(";") if call["families"] else []
    lines.append("families of evidence outside P_call: " + (", ".join(families) or "none"))
    for proof in story.proofs:
        said = "there" if proof["is_present"] else "not there"
        where = "inside the window" if proof["is_inside"] else "outside the window: it says nothing"
        lines.append(
            f"{said} at {proof['seen_at']:%Y-%m-%d %H:%M} UTC by {printable(proof['source'])}"
            f" ({printable(proof['analyst'])}, {proof['entered_on']}), {where}"
        )
    if not story.proofs:
        lines.append("no dated proof of this ship at this group is known")
    return [f"{'Proof' if number == 0 else '':<6} {line}" for number, line in enumerate(lines)]


def _tell_else(story: CallStory) -> list[str]:
    """Return what else the silence may have been."""
    here = [row for row in story.candidates if row["port_group"] == story.call["port_group"]]
    none = [row for row in story.candidates if row["port_group"] == "none"]
    if not here or here[0]["p_call"] is None:
        return ["Else   nothing is known of its silence"]
    others = [row for row in story.candidates if row not in here and row not in none]
    parts = [
        f"it called there with its set on and nobody heard it {_p(here[0]['p_unheard'])}",
        f"it called elsewhere {_p(sum(row['p_call'] + row['p_unheard'] for row in others))}",
    ]
    parts += [
        f"it called nowhere, set off {_p(row['p_call'])} or on {_p(row['p_unheard'])}"
        " (roads, drifting, ship-to-ship, or out of the region)"
        for row in none
    ]
    more = ["a second call fits into the gap"] if story.call["second_call_possible"] else []
    if story.call["draught_change_m"]:
        more.append("a transfer from ship to ship changes the draught too")
    return [f"Else   {'; '.join([*parts, *more])}"]


def _tell_labels(story: CallStory) -> list[str]:
    """Return scopes, reviews and watch list: they stand beside the grade."""
    scopes = [words for name, words in SCOPE_WORDS.items() if story.call[name]]
    lines = [f"Scopes {', '.join([*scopes, 'all'])}; month {story.call['month']:%Y-%m}"]
    lines += [
        f"Review {review['verdict']} by {printable(review['analyst'])} on {review['reviewed_on']}:"
        f" {printable(review['reason'])}; the grade stands"
        for review in story.reviews
    ]
    lines += [
        f"Watch  listed by {printable(entry['source'])} ({printable(entry['analyst'])},"
        f" {entry['listed_on']}): a label, no evidence"
        for entry in story.listed
    ]
    return lines


def list_call_facts(story: CallStory) -> Row:
    """Return what `tell_call` tells, for machines."""
    return {
        **story.call,
        "gaps": story.gaps,
        "candidates": story.candidates,
        "unreachable": story.unreachable,
        "confirmations": story.proofs,
        "reviews": story.reviews,
        "watch_list": story.listed,
    }


def _p(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"


def _h(value: float | None) -> str:
    return f"{'-' if value is None else format(value, '.1f'):>7}"
