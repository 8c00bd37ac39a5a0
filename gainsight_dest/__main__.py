"""`python -m gainsight_dest`: the command line."""

from gainsight_dest.cli import main

if __name__ == "__main__":
    main()
