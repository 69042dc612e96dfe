"""A run as a folder of pages that opens from disk: verdicts, board, samples to read and to listen to.

`write_report` is the way in. Data goes into scripts in pieces, since a page from disk may not fetch files; whatever
comes from data is set as text by the page, never as markup.
"""

from audiobench_pytest.report.html.pages import write_report

__all__ = ["write_report"]
