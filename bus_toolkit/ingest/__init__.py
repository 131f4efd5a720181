"""A folder in, a clean folder out: the run over many scans that ``bus-clean`` calls."""

from bus_toolkit.ingest.options import InspectOptions, Options
from bus_toolkit.ingest.runner import RunReport, ingest
from bus_toolkit.ingest.survey import inspect

__all__ = ["InspectOptions", "Options", "RunReport", "ingest", "inspect"]
