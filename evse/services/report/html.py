"""The report as one HTML file: no script, no picture, no link, nothing to load."""

from __future__ import annotations

from typing import Final

from jinja2 import Environment

from evse.services.report.content import Report

_TEMPLATE: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Maintenance report of {{ report.station }}</title>
<style>
:root { color-scheme: light dark; }
body { font: 15px/1.4 system-ui, sans-serif; max-width: 60rem; margin: 1.5rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.05rem; margin: 1.6rem 0 .3rem; }
div { overflow-x: auto; } p { margin: .2rem 0; opacity: .75; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #8884; }
td { overflow-wrap: anywhere; }
@media print { body { max-width: none; margin: 0; } h2 { break-after: avoid; } }
</style>
</head>
<body>
<h1>Maintenance report of {{ report.station }}</h1>
<p>Made {{ report.made or "while the clock was not set" }}. Badge numbers are masked; secrets are left out.</p>
{% for section in report.sections %}
<h2>{{ section.title }}</h2>
{% if section.note %}<p>{{ section.note }}</p>{% endif %}
{% if section.rows %}<div><table>
<tr>{% for column in section.columns %}<th scope="col">{{ column }}</th>{% endfor %}</tr>
{% for row in section.rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>
{% endfor %}</table></div>{% else %}<p>none</p>{% endif %}
{% endfor %}
</body>
</html>
"""


def report_html(report: Report) -> str:
    """The file's text; everything in it is escaped."""
    return Environment(autoescape=True, trim_blocks=True).from_string(_TEMPLATE).render(report=report)
