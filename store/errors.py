"""Why can the casebook not be used just now, and who can change that?

Two kinds, because two different people act: what is *unavailable* comes back by itself or after an operator freed
something, so callers try again; what is *misconfigured* stays so until a setting changes, so doors refuse to start.
The texts never contain an address, a user name or a value of a row.
"""


class StoreUnavailable(Exception):
    """The database exists but does not take this now: locked, full, read-only, restarting. Nothing was written.

    `code` is a stable word (`locked`, `full`, `read_only`, `away`, `busy`, `damaged`).
    """

    def __init__(self, code: str, text: str, *, next_step: str) -> None:
        super().__init__(f"{text} {next_step}")
        self.code = code
        self.text = text
        self.next_step = next_step


class StoreMisconfigured(Exception):
    """The database cannot be used with these settings. Nothing was written.

    `code` is a stable word (`bad_url`, `no_folder`, `not_a_database`, `no_tables`, `no_database`, `no_access`,
    `too_new`).
    """

    def __init__(self, code: str, text: str, *, next_step: str) -> None:
        super().__init__(f"{text} {next_step}")
        self.code = code
        self.text = text
        self.next_step = next_step
