"""Owns money, public ids, errors, the outbox, safe outbound HTTP and the clock: the shared kernel,
with no business words.
"""
