"""The arguments of the adapters of SDKs."""

from __future__ import annotations

import argparse
import os
from typing import Any


def sdk_options(vendor: str) -> dict[str, Any]:
    """The arguments of this process as those of a vendor's client. What is not given is left to the SDK."""
    variable = f"{vendor.upper()}_API_KEY"
    parser = argparse.ArgumentParser(description=f"The SDK of {vendor} as a target of Squall")
    parser.add_argument("--base-url", metavar="URL", help=f"as the SDK wants it [default: ${vendor.upper()}_BASE_URL]")
    parser.add_argument("--api-key", metavar="KEY", help=f"[default: ${variable}, else `sk-squall`]")
    parser.add_argument("--max-retries", metavar="N", type=int, help="[default: the SDK's]")
    parser.add_argument("--timeout", metavar="SECONDS", type=float, help="[default: the SDK's]")
    given = vars(parser.parse_args())
    given["api_key"] = given["api_key"] or os.environ.get(variable) or "sk-squall"
    return {name: value for name, value in given.items() if value is not None}
