"""Tells whether an e-mail address is from a provider of throw-away addresses. Pure.

The list is the package `disposable-email-domains`: domains made known by everyone who runs a sign-up form.
"""

from disposable_email_domains import blocklist

from core.mailbox import normalise_domain


def is_disposable(domain_or_mailbox: str) -> bool:
    """Tell whether a domain, or the domain of an address, or one it lies under, is on the list.

    What is no domain is not disposable; that it is none is another question.
    """
    try:
        name = normalise_domain(domain_or_mailbox.rpartition("@")[2])
    except ValueError:
        return False
    # From the name itself up to its last two labels: mail to any name below a listed one ends up there too.
    while "." in name:
        if name in blocklist:
            return True
        name = name.partition(".")[2]
    return False
