/*
 * The heap of the server's thread, counted and limited: whatever clients make open62541 hold comes out of here, and beyond the limit the library is
 * told that there is no memory, which it passes on to the client as BadOutOfMemory. The counters are the thread's own.
 */
#ifndef SINK_OPCUA_SERVER_MEM_H
#define SINK_OPCUA_SERVER_MEM_H

#include <stdbool.h>
#include <stdint.h>

/* From here on the library's allocations in this thread are counted; max: bytes. */
void uas_mem_begin(uint64_t max);
uint64_t uas_mem_used(void);
/* For what makes room: so much more is given while it is done. */
void uas_mem_reserve(uint64_t bytes);
bool uas_mem_over(void);		/* some of that is in use now */
uint64_t uas_mem_refused(void);	/* allocations that were refused so far */

#endif
