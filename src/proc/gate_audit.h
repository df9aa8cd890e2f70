/* What office asks to have in the audit log: a person's change to what waits in a sink's outbox (AUDIT, ring/messages.def). */
#ifndef PROC_GATE_AUDIT_H
#define PROC_GATE_AUDIT_H

#include "base/buf.h"

/*
 * Read the message, which is not trusted, into the JSON of an entry. Office has authenticated nobody: the person is whom the supervisor
 * saw at the control socket, as office passes it on. What office says stands in entries of one kind alone, so a broken office could forge
 * those and no others. 0 (json->err: it is too long for an entry), or an error: malformed.
 */
int gate_audit_read(const void *p, size_t len, uint64_t *number, struct buf *json);

#endif
