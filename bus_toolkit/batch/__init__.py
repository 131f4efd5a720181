"""A folder in, a clean folder out: the run over many scans that ``bus-clean`` calls."""

from bus_toolkit.batch.options import InspectOptions, Options
from bus_toolkit.batch.runner import RunReport, ingest
from bus_toolkit.batch.survey import inspect

__all__ = ["InspectOptions", "Options", "RunReport", "ingest", "inspect"]
