"""`virtuoso research`: what judges weights and forecasts on files of bars."""

import typer

from virtuoso.cli.research_track_record import track_record
from virtuoso.cli.research_weights import weights

app = typer.Typer(add_completion=False, help="Judge weights and forecasts on files of bars.", no_args_is_help=True)
app.command()(weights)
app.command("track-record")(track_record)


@app.callback()
def research() -> None:
    """Judge weights and forecasts on files of bars."""
