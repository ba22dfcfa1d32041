"""The WSGI entry point that the web server loads: the click entry, and Django behind it."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "referral_platform.settings")

_django = get_wsgi_application()

# They read Django's settings, and models.
from django.conf import settings  # noqa: E402

from referral_platform.threads import InThreads  # noqa: E402
from tracking.entry import ClickEntry  # noqa: E402

application = ClickEntry(InThreads(_django, threads=settings.WEB_THREADS))
