#!/usr/bin/env python
"""Django's commands, with the embedded servers up while they run where no addresses are given."""

import os
import sys

from referral_platform.local.commands import surroundings
from referral_platform.local.processes import LocalError


def main() -> None:
    """Run the command in `sys.argv`."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "referral_platform.settings")
    try:
        with surroundings(sys.argv[1:]):
            from django.core.management import execute_from_command_line

            execute_from_command_line(sys.argv)
    except LocalError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
