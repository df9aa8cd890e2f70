/* An event as the sink needs it: the members of its JSON object by which it is filed (model/event.h has them all). */
#ifndef SAP_ODATA_EVENT_H
#define SAP_ODATA_EVENT_H

#include "base/arena.h"
#include "base/clock.h"

struct sap_event {		/* texts in the arena */
	const char	*id, *path, *type, *key;
	uint64_t	 no;
	struct wall	 time;
	/* It breaks a rule of its own declaration: not to be acted upon. NULL: it does not. */
	const char	*fault_code, *fault_text, *fault_field;
};

/* 0; ERR_SYNTAX with why: this is no event. */
int sap_event_read(const char *json, size_t len, struct arena *a, struct sap_event *out, char *why, size_t size);

#endif
