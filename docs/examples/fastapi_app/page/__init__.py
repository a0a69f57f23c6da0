"""The page: three files, and headers that let it load nothing else."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

HERE = Path(__file__).parent
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}

router = APIRouter(include_in_schema=False)


def _file(name: str) -> FileResponse:
    return FileResponse(HERE / name, headers=HEADERS)


@router.get("/")
async def index() -> FileResponse:
    """Return the page itself."""
    return _file("index.html")


@router.get("/page.css")
async def style() -> FileResponse:
    """Return its style."""
    return _file("page.css")


@router.get("/page.js")
async def script() -> FileResponse:
    """Return its script."""
    return _file("page.js")


@router.get("/icon.svg")
async def icon() -> FileResponse:
    """Return its icon."""
    return _file("icon.svg")
