"""The site check: paint made-up identities over the user's own scans, clean them, and count what is left.

It stands above ``batch``, whose pipelines it runs, and below ``cli``. Pictures are painted in memory only.
"""

from __future__ import annotations

from bus_toolkit.selftest.options import SelftestOptions
from bus_toolkit.selftest.runner import SelftestReport, selftest

__all__ = ["SelftestOptions", "SelftestReport", "selftest"]
