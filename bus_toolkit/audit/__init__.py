"""What a run leaves for people: ledger, run summary, report, review, pictures, and the table on the terminal.

``run.json`` and ``report.html`` may be given away; the ledger, the review page and its pictures are private.
"""
