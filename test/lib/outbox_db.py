"""What the outbox of the sink `sap` has on disk. Imported by sap_runs and sap_site."""
import os
import sqlite3

# In the order of enum outbox_state.
STATES = ("ready", "sent", "confirmed", "refused", "quarantined", "cancelled")


class OutboxDb:
    """Below .state."""

    def rows(self, query):
        """As dictionaries; [] while it is not there."""
        path = os.path.join(self.state, "office/sap/outbox.db")
        if not os.path.exists(path):
            return []
        box = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)
        try:
            box.row_factory = sqlite3.Row
            return [dict(row) for row in box.execute(query)]
        except sqlite3.OperationalError:        # it is just being made
            return []
        finally:
            box.close()

    def account(self):
        """Counts by state, taken, repeated and so on; {} before there is one."""
        rows = self.rows("SELECT * FROM account")
        return rows[0] if rows else {}

    def items(self, state=None):
        """Its items, oldest first; states by their names."""
        rows = self.rows("SELECT seq, state, attempts, lane, document, code, text, target, id, event, ekey, mapping, body, complaint "
                         "FROM item ORDER BY seq")
        rows = [{**row, "state": STATES[row["state"]]} for row in rows]
        return [row for row in rows if state in (None, row["state"])]


__all__ = ["OutboxDb", "STATES"]
