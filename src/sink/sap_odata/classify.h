/*
 * What an answer means for the event that was sent: the one table that decides whether a posting is booked, refused, to be asked about or to be
 * repeated. Pure: no clock, no network.
 *
 * The rule behind the table: a verdict that leads to a repeat without a question (DOWN, BUSY) is given only where the request cannot have been
 * carried out: it never left, or the far end said that it did not take it. Everything else of which no clear word came is UNKNOWN.
 */
#ifndef SAP_ODATA_CLASSIFY_H
#define SAP_ODATA_CLASSIFY_H

#include "base/arena.h"
#include "outbox/outbox.h"
#include "sink/sap_odata/far.h"

enum asked {
	ASKED_POST,	/* something that changes */
	ASKED_LOOKUP,	/* is it there? */
	ASKED_LIST,	/* any other reading */
};

/* An answer, of the far end or of a part of a $batch. Texts NULL: there is none. */
struct sap_answer {
	enum far_stage	 stage;
	enum http_end	 end;
	int		 status;
	const char	*body;
	size_t		 len;
	bool		 cut;
	const char	*type, *retry_after, *message, *etag;	/* content-type, retry-after, sap-message, etag */
	bool		 token_required;		/* 403, and the header says that the session's token was not good */
	const char	*why;				/* of what is not answered */
};
/* Of an answer of far.h; borrows from it. */
struct sap_answer sap_answer_of(const struct far_answer *a);

/*
 * The verdict. OUTBOX_IS_DONE only says that the status is a success and the body whole: what stands in it is the caller's to read. A 404 on an
 * ASKED_LOOKUP is OUTBOX_IS_ABSENT only when it is an OData error and one entity was asked for (by_key). Texts are in the arena. wall: now.
 */
void sap_judge(enum asked asked, bool by_key, const struct sap_answer *a, struct wall now, struct arena *arena, struct outbox_verdict *out);

/* Retry-After, RFC 9110, 10.2.3: seconds or a date. 0: absent, nonsense or past. At most an hour. */
int64_t sap_retry_after(const char *value, struct wall now);

#endif
