"""REST: the maintenance report, as data and as a file for the support."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import HTMLResponse

from evse.services.report.html import report_html
from evse.services.security.events import SecurityKind
from evse.web.ports import ReportPort
from evse.web.security_log_port import Audit


class SectionModel(BaseModel):
    """One table of the report."""

    title: str
    columns: list[str]
    rows: list[list[str]]
    note: str


class ReportModel(BaseModel):
    """A maintenance report. `made`: UTC in ISO 8601, empty while the clock is not set."""

    station: str
    made: str
    sections: list[SectionModel]


def report_router(port: ReportPort, audit: Audit) -> APIRouter:
    """Both forms of the report."""
    router = APIRouter(prefix="/api", tags=["maintenance"])

    @router.get("/report", summary="The maintenance report as data", response_model=ReportModel)
    async def report(request: Request) -> ReportModel:
        made = await port.report(audit.role_of(request))
        sections = [
            SectionModel(
                title=each.title, columns=list(each.columns), rows=[list(row) for row in each.rows], note=each.note
            )
            for each in made.sections
        ]
        return ReportModel(station=made.station, made=made.made, sections=sections)

    @router.get("/report.html", summary="The maintenance report as one HTML file", response_class=HTMLResponse)
    async def report_file(request: Request) -> HTMLResponse:
        text = report_html(await port.report(audit.role_of(request)))
        audit.note(request, SecurityKind.REPORT_EXPORTED)
        return HTMLResponse(text, headers={"Content-Disposition": 'attachment; filename="maintenance-report.html"'})

    return router
