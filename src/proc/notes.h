/*
 * Changes of the store of certificates that a process makes by itself (a renewal over a link, the first certificate) on their way to
 * gate's audit log. They are made in whatever thread; here they wait for the loop and for a channel to gate. What waits is kept in
 * memory: if the process dies in that moment, changes.log alone has it.
 */
#ifndef PROC_NOTES_H
#define PROC_NOTES_H

#include <uv.h>

#include "base/buf.h"

#define NOTES_MAX	64u		/* that wait; what comes then is not told, and logged */
#define NOTE_BYTES_MAX	4096u		/* of CHANGED, ring/messages.def */

/* Once a process, before its first store is opened. send: CHANGED to gate, from the loop; 0, or an error: again in a while. */
void notes_open(uv_loop_t *loop, int (*send)(const void *p, size_t len));
/* The process leaves: tell what waits now, if gate takes it. */
void notes_close(void);

/*
 * Gate's side. Read the message, which is not trusted, into the JSON of an entry. process: whose channel it came by, which
 * is all that gate knows to be true of it. 0 (json->err: too long), or an error: malformed.
 */
int notes_read(const void *p, size_t len, const char *process, struct buf *json);

#endif
