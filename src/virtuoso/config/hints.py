"""The key, or the variable, that was probably meant: always one that exists."""

import difflib

from virtuoso.config.keys import is_section, keys_of, paths, sections
from virtuoso.config.section import KeyPath

PREFIX = "VIRTUOSO__"
"""What the names of variables begin with; the parts of the key's path follow, with `__` between them."""
_ALIKE, _SURELY = 0.6, 0.85
_OURS = "VIRTUOSO_"
_RENAMED = {
    ("analysis", "label"): "analysis.band, with up and down for buy and sell",
    ("monitoring", "alerts", "sudden_move", "threshold_pct"): "monitoring.alerts.sudden_move.window_sigmas",
}
"""What took the place of keys of earlier versions."""


def variable(path: KeyPath) -> str:
    """The name of the variable that sets a key."""
    return PREFIX + "__".join(path).upper()


def nearest_key(path: KeyPath) -> str:
    """`; did you mean web.port?`: of the same section, else of that name in another; then, too, all that it has.

    Of a key of an earlier version what took its place.
    """
    if path in _RENAMED:
        return f"; in its place is {_RENAMED[path]}"
    known = keys_of(path[:-1])
    match = difflib.get_close_matches(path[-1], known, n=1, cutoff=_ALIKE)
    if match:
        return f"; did you mean {'.'.join((*path[:-1], match[0]))}?"
    has = f"; {'.'.join(path[:-1]) or 'the top level'} has {', '.join(known)}"
    elsewhere = next((each for each in (*paths(), *sections()) if each[-1] == path[-1]), None)
    if elsewhere is None:
        return has
    return f"; did you mean {'.'.join(elsewhere)}?{has.replace(';', '', 1) if len(path) > 1 else ''}"


def nearest_variable(name: str) -> str | None:
    """The variable of a key that exists and comes closest to a name, whatever its underscores and its section."""
    path = tuple(part.lower() for part in name.upper().removeprefix(PREFIX).split("__"))
    section = path[:-1]
    while section and not is_section(section):
        section = section[:-1]
    candidates = {_squeezed(variable(each)): variable(each) for each in paths(section)}
    match = difflib.get_close_matches(_squeezed(name), candidates, n=1, cutoff=_ALIKE)
    if not match and section:
        candidates = {_squeezed(variable(each)): variable(each) for each in paths()}
        match = difflib.get_close_matches(_squeezed(name), candidates, n=1, cutoff=_ALIKE)
    return candidates[match[0]] if match else None


def meant(name: str) -> str | None:
    """The variable that a name of the environment was meant for, misspelt before its first `__`, such as
    `VIRTUOSO_WEB_PORT`; `None` where it is somebody else's.
    """  # noqa: D205
    upper = name.upper()
    if upper.startswith(PREFIX) or not upper.startswith(_OURS):
        return None
    rest = upper[len(_OURS) :].lstrip("_")
    found = nearest_variable(PREFIX + rest)
    first = rest.partition("__")[0].partition("_")[0].lower()
    is_ours = first in {key.partition("_")[0] for key in keys_of(())}
    if found is None:
        return f"{PREFIX}SECTION__KEY" if is_ours else None
    alike = difflib.SequenceMatcher(None, _squeezed(upper), _squeezed(found)).ratio()
    return found if is_ours or alike >= _SURELY else None


def _squeezed(name: str) -> str:
    return name.upper().removeprefix(_OURS).replace("_", "")
