"""`python -m fairaudit` is the command line."""

from fairaudit.cli import main

main()
