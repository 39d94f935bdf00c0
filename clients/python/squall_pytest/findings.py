"""What `squall mock --findings` tells of its clients."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

SEVERITIES = ("error", "warning")


@dataclass(frozen=True)
class Finding:
    """A call that broke a rule."""

    finding: str
    severity: str
    #: `request 12`, or `body 9f32…`.
    call: str
    #: `token` or `body`: how the attempts of the call were told from others.
    joined_by: str
    #: Whether what happened in the client is inferred.
    suspected: bool
    #: What was seen, in a sentence with figures.
    seen: str
    advice: str
    #: The attempts of the call, as in the JSON of `squall mock --findings`.
    attempts: tuple[dict[str, Any], ...]


@dataclass(frozen=True)
class Rule:
    """A rule, and what came of it."""

    finding: str
    severity: str
    #: `found`, `kept`, `waiting`, `not judged` or `not tested`.
    result: str
    tested_calls: int
    broken_calls: int
    findings: tuple[Finding, ...]


class Findings:
    """A client, judged: every rule by its name, and all findings."""

    def __init__(self, answer: dict[str, Any]):
        #: The answer of the admin API as it came.
        self.raw = answer
        #: The findings as a terminal shows them.
        self.table: str = answer["table"]
        #: `met`, `missed` or `inconclusive`.
        self.verdict: str = answer["verdict"]
        self.attempts: int = answer["attempts"]
        self.calls: int = answer["calls"]
        self.ambiguous_calls: int = answer["ambiguous_calls"]
        self.rules: dict[str, Rule] = {rule["finding"]: _rule(rule) for rule in answer["rules"]}

    def __iter__(self):
        return (finding for rule in self.rules.values() for finding in rule.findings)

    def __str__(self) -> str:
        return self.table

    def __repr__(self) -> str:
        return f"<Findings {self.verdict}: {', '.join(self.found()) or 'none'}>"

    def found(self, level: str = "warning", allow: Iterable[str] = ()) -> list[str]:
        """The names of the rules that were broken, of this severity or a worse one, except those allowed."""
        if level not in SEVERITIES:
            raise ValueError(f"level is one of {', '.join(SEVERITIES)}, not {level!r}")
        allowed = {allow} if isinstance(allow, str) else set(allow)
        unknown = allowed - set(self.rules)
        if unknown:
            known = ", ".join(self.rules)
            raise ValueError(f"no finding is called {', '.join(sorted(unknown))}; known: {known}")
        levels = SEVERITIES[: SEVERITIES.index(level) + 1]
        broken = (rule for rule in self.rules.values() if rule.broken_calls and rule.severity in levels)
        return [rule.finding for rule in broken if rule.finding not in allowed]

    def result(self, finding: str) -> str:
        """What came of a rule."""
        return self.rules[finding].result


def _rule(rule: dict[str, Any]) -> Rule:
    findings = tuple(
        Finding(
            finding=rule["finding"],
            severity=rule["severity"],
            call=each["call"],
            joined_by=each["joined_by"],
            suspected=each["suspected"],
            seen=each["seen"],
            advice=rule["advice"],
            attempts=tuple(each["attempts"]),
        )
        for each in rule["findings"]
    )
    return Rule(
        finding=rule["finding"],
        severity=rule["severity"],
        result=rule["result"],
        tested_calls=rule["tested_calls"],
        broken_calls=rule["broken_calls"],
        findings=findings,
    )
