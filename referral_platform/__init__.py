"""Settings, root addresses, the API router, Celery and the one table of subscriptions: the wiring."""
