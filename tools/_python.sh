# Sourced by the scripts beside it: finds a Python >= 3.11 that can make virtual environments, sets $python.
#
# Candidates are run, not believed: a name on PATH may be a version manager's shim that only fails. Every directory
# of PATH is tried (a failing shim hides a good interpreter behind it), then the usual ones. EVSE_PYTHON overrides
# the search and is never replaced by another one.
# Expects: $tool (the script's name for messages). Uses shell built-ins only.

# Succeeds when $1 is usable; status 3: too old, 4: no venv or ensurepip module, anything else: does not run.
_probe() {
    # Looked for, not imported, and without site packages: at each start somebody waits for this.
    "$1" -IS -c '
import sys
if sys.version_info < (3, 11):
    sys.exit(3)
from importlib.machinery import PathFinder
if not all(map(PathFinder.find_spec, ("ensurepip", "venv"))):
    sys.exit(4)
' </dev/null >/dev/null 2>&1
}

_no_venv_line() {
    _version=$("$1" -IS -c 'import sys; print("%d.%d" % sys.version_info[:2])' </dev/null 2>/dev/null)
    echo "$tool: $1 has no venv/ensurepip module; install it (Debian: apt-get install python$_version-venv)" \
        "or set EVSE_PYTHON to another Python 3.11 or newer" >&2
}

_find_python() {
    _without_venv=
    _ifs=$IFS
    for _name in python3.13 python3.12 python3.11 python3 python; do
        IFS=:
        # shellcheck disable=SC2086  # the splitting is wanted; globbing is off
        set -f -- ${PATH-} /usr/local/bin /usr/bin /bin
        set +f
        IFS=$_ifs
        for _dir in "$@"; do
            case $_dir in /*) ;; *) continue ;; esac   # a relative or empty entry would run whatever lies around
            _candidate=$_dir/$_name
            [ -f "$_candidate" ] && [ -x "$_candidate" ] || continue
            _probe "$_candidate"
            case $? in
                0) python=$_candidate; return 0 ;;
                4) [ -n "$_without_venv" ] || _without_venv=$_candidate ;;
            esac
        done
    done
    if [ -n "$_without_venv" ]; then
        _no_venv_line "$_without_venv"
    else
        echo "$tool: no Python 3.11 or newer found; install one (Debian: apt-get install python3 python3-venv)" \
            "or set EVSE_PYTHON to it" >&2
    fi
    return 1
}

if [ -n "${EVSE_PYTHON-}" ]; then
    _probe "$EVSE_PYTHON"
    case $? in
        0) python=$EVSE_PYTHON ;;
        3) echo "$tool: EVSE_PYTHON=$EVSE_PYTHON is older than Python 3.11" >&2; exit 1 ;;
        4) _no_venv_line "$EVSE_PYTHON"; exit 1 ;;
        *) echo "$tool: EVSE_PYTHON=$EVSE_PYTHON does not run as a Python interpreter" >&2; exit 1 ;;
    esac
else
    _find_python || exit 1
fi
