"""Mock LLM providers for tests: faults on command, and findings about the client under test."""

from squall_pytest.findings import Finding, Findings, Rule
from squall_pytest.mock import DEFAULT_CONFIG, SquallError, SquallMock

__all__ = ["DEFAULT_CONFIG", "Finding", "Findings", "Rule", "SquallError", "SquallMock"]
