"""`hcbir` and `python -m hcbir`."""

import sys


def main() -> None:
    try:
        from hcbir.cli import run
        from hcbir.cli.interrupting import interrupt_once
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "hcbir":
            raise
        sys.exit(f'error: the command line needs {error.name}: pip install "hcbir[cpu]" (or "hcbir[gpu]")')
    except KeyboardInterrupt:
        sys.exit(130)
    interrupt_once()
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
