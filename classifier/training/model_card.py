"""The model card: the same facts as model.json and metrics.json, for people."""

from typing import Any

from classifier.data.dataset import STARTER
from classifier.data.mapping import in_words
from classifier.decision import Thresholds
from classifier.evaluation.evaluate import Report
from classifier.serving.artefact import MAPPING, Model


def card(model: Model, report: Report) -> str:
    """Markdown."""
    made = model.provenance
    data = made["data"]
    lines = [
        "# Request classifier",
        "",
        f"LightGBM on `{model.encoder.name}` embeddings (revision `{model.encoder.revision[:12]}`), {len(model.labels)} labels,",
        f"trained {made['created_at']} by commit `{made['git_commit'] or 'none'}`.",
        "",
        "It sorts the first message of a support request. Whatever it is unsure of goes to a person; it decides nothing else.",
        "",
        "## Data",
        "",
        f"`{data['file']}`: {data['rows']} rows, SHA-256 `{data['sha256'][:12]}...`. "
        f"Used: {_pairs(data['used_by_split'])}. Left out: {_pairs(data['left_out']) or 'none'}. "
        f"Rows that say the same as an earlier one: {data['twins']}.",
        "",
        *_mapping(data),
        "## Figures",
        "",
        f"On the {report.rows} test rows, which neither training nor thresholds saw:",
        "",
        *_figures(report),
        "",
        "## Thresholds",
        "",
        model.thresholds.reason,
        "",
        *_promises(model.thresholds),
        "",
        "## Limits",
        "",
        f"{_whose(data['file'])} Replay your own history before you trust the figures: `python -m classifier replay`.",
        "",
    ]
    return "\n".join(lines)


def _mapping(data: dict[str, Any]) -> list[str]:
    """What its labels are groups of, if they are."""
    if not (mapping := data["mapping"]):
        return []
    line = (
        f"Labels are groups of raw categories by `{mapping['file']}`, version {mapping['version']}, SHA-256 "
        f"`{mapping['sha256'][:12]}...`, kept here as `{MAPPING}`."
    )
    unmapped = data["unmapped"]
    return [line, *([f"It has no group for {in_words(unmapped)}: left out."] if unmapped else []), ""]


def _whose(file: str) -> str:
    if file == STARTER.name:
        return "Trained on messages written for this project, not on yours."
    return f"Good for messages like those of `{file}`, as they were when it was made; requests change."


def _promises(thresholds: Thresholds) -> list[str]:
    rows = [
        ("the right one is among what is shown", thresholds.shown_promise),
        ("the one shown alone is right", thresholds.one_promise),
    ]
    return [
        "| promise | at least | confidence | right on calibration rows | lower bound | |",
        "|---|---|---|---|---|---|",
        *(
            f"| {name} | {p.promise:.1%} | {p.confidence:.1%} | {p.right} of {p.shown} | {p.lower_bound:.1%} | "
            f"{p.result.value.replace('_', ' ')} |"
            for name, p in rows
            if p
        ),
    ]


def _figures(report: Report) -> list[str]:
    rows = [
        ("one suggestion", report.one),
        ("two suggestions", report.two),
        ("straight to a person", report.abstained),
        ("right when one is shown", report.right_when_one),
        ("right one among what is shown", report.right_among_shown),
        ("out-of-scope rows that ended with a person", report.out_of_scope_to_person),
    ]
    lines = ["| figure | value |", "|---|---|", *(f"| {name} | {share} |" for name, share in rows)]
    if report.model:
        bare = report.model
        lines += [
            f"| weighted precision / recall ({bare.n} rows the model was asked about) "
            f"| {bare.weighted_precision:.3f} / {bare.weighted_recall:.3f} |",
            f"| accuracy, right one among the best two | {bare.accuracy:.3f}, {bare.top_two:.3f} |",
            f"| macro-F1 | {bare.macro_f1:.3f} |",
            f"| log loss, calibration error (ECE) | {bare.log_loss:.3f}, {bare.ece:.3f} |",
            *(
                f"| right one shown by a top threshold of {t}, nothing abstained from | {coverage:.3f} |"
                for t, coverage in bare.coverage_at.items()
            ),
        ]
    return lines


def _pairs(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items())
