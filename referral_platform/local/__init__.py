"""The two servers and the processes behind `make run`, `make test` and `manage.py`, without Docker.

Nothing here imports Django: the servers stand before settings are read.
"""
