"""deploy/alerts.yml: rules that Prometheus reads, about metrics that there are, with words for whoever is woken."""

import re
import shutil
import subprocess
from typing import Any

import jsonschema
import pytest
import yaml

from tests.reliability.apparatus.metrics_page import read
from tests.scenarios.conftest import Desk
from tests.serving import ROOT

ALERTS = ROOT / "deploy" / "alerts.yml"
PROMETHEUS_OWN = {"up"}  # made by Prometheus itself for each target
OPERATIONS = ROOT / "docs" / "operations.md"

# What Prometheus takes: https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/
DURATION = {"type": "string", "pattern": r"^([0-9]+(ms|s|m|h|d|w|y))+$"}
WORDS = {"type": "string", "minLength": 10}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["groups"],
    "properties": {
        "groups": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name", "rules"],
                "properties": {
                    "name": {"type": "string", "pattern": "^firstline-[a-z]+$"},
                    "interval": DURATION,
                    "rules": {
                        "type": "array",
                        "minItems": 1,
                        "items": {
                            "type": "object",
                            "additionalProperties": False,
                            "required": ["alert", "expr", "labels", "annotations"],
                            "properties": {
                                "alert": {"type": "string", "pattern": "^Firstline[A-Z][A-Za-z]+$"},
                                "expr": {"type": "string", "minLength": 1},
                                "for": DURATION,
                                "labels": {
                                    "type": "object",
                                    "additionalProperties": False,
                                    "required": ["severity"],
                                    "properties": {"severity": {"enum": ["page", "ticket"]}},
                                },
                                "annotations": {
                                    "type": "object",
                                    "additionalProperties": False,
                                    "required": ["summary", "what_to_do"],
                                    "properties": {"summary": WORDS, "what_to_do": WORDS},
                                },
                            },
                        },
                    },
                },
            },
        }
    },
}
# A metric with an optional {matchers}: a name that is followed neither by "(" (a function) nor by another word.
SELECTOR = re.compile(r"\b([a-z_:][a-z0-9_:]*_[a-z0-9_:]+|up)\b(?!\s*\()(?:\{([^}]*)\})?")
MATCHER = re.compile(r'([a-z_]+)="([^"]*)"')
FUNCTIONS = {"histogram_quantile"}
GROUPING = re.compile(r"\bby\s*\(([^)]*)\)")


def rules() -> list[dict[str, Any]]:
    """Every rule of the file."""
    document = yaml.safe_load(ALERTS.read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


@pytest.fixture(scope="module")
def names() -> list[str]:
    """The alerts' names."""
    return [rule["alert"] for rule in rules()]


def test_the_file_is_what_prometheus_reads(names: list[str]) -> None:
    """Rules with summary, what to do and severity; names are unique."""
    jsonschema.validate(yaml.safe_load(ALERTS.read_text()), SCHEMA)
    assert len(set(names)) == len(names)


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")
def test_promtool_agrees() -> None:
    """Prometheus' own check."""
    subprocess.run(["promtool", "check", "rules", str(ALERTS)], check=True, capture_output=True)


def test_every_metric_and_label_is_there(sqlite_desk: Desk) -> None:
    """A running bot shows each series that a rule asks for before anything has happened, so that a first one is a rise."""
    bot = sqlite_desk.start_bot()
    found: dict[str, list[dict[str, str]]] = {}
    for name, labels in read(bot):
        found.setdefault(name, []).append(dict(labels))
    for rule in rules():
        expression = rule["expr"]
        assert expression.count("(") == expression.count(")"), rule["alert"]
        asked = [
            (name, dict(MATCHER.findall(matchers)))
            for name, matchers in SELECTOR.findall(GROUPING.sub("", expression))
            if name not in FUNCTIONS | PROMETHEUS_OWN
        ]
        assert asked or "up{" in expression, f"{rule['alert']} asks for nothing"
        for name, matchers in asked:
            fitting = [labels for labels in found.get(name, []) if matchers.items() <= labels.items()]
            assert fitting, f"{rule['alert']}: there is no {name} with {matchers}"
            grouped = {label.strip() for part in GROUPING.findall(expression) for label in part.split(",")}
            assert grouped <= set(fitting[0]) | {"le"}, f"{rule['alert']}: {name} has no {grouped}"


def test_names_that_a_template_shows_are_labels(names: list[str]) -> None:
    """{{ $labels.x }} is a label that the expression leaves."""
    known = {"instance", "check", "of", "name"}
    for rule in rules():
        shown = set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())))
        assert shown <= known, rule["alert"]
        by = {label.strip() for part in GROUPING.findall(rule["expr"]) for label in part.split(",")}
        if "(" in rule["expr"] and by:
            assert shown <= by, rule["alert"]


def test_every_alert_is_explained(names: list[str]) -> None:
    """docs/operations.md has a row for each alert and none for what there is not."""
    explained = re.findall(r"^\| (Firstline\w+) \|", OPERATIONS.read_text(), re.MULTILINE)
    assert sorted(explained) == sorted(names)
