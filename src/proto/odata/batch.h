/*
 * $batch: several requests in one, as multipart/mixed (OData 2.0 batch processing; OData Protocol 4.01, 11.7; RFC 2046,
 * 5.1). Building is straight into a buffer; parsing takes an answer apart and trusts nothing in it.
 *
 *	odata_batch_begin(&b, out, "penstock-6f1c...");
 *	odata_batch_put(&b, &op);	op.set > 0: within the change set of that number; all of one set stand together
 *	odata_batch_end(&b);		b.type is the Content-Type
 *
 * A change set is one unit: all of it or nothing. A failed one is answered by a single part with a single error.
 */
#ifndef PROTO_ODATA_BATCH_H
#define PROTO_ODATA_BATCH_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"

#define BATCH_PARTS_MAX		1000u
#define BATCH_BYTES_MAX		(64u << 20)
#define BATCH_BOUNDARY_MAX	70u		/* RFC 2046, 5.1.1 */
#define BATCH_HEADERS_MAX	64u		/* of a part */

struct odata_op {
	unsigned	 set;			/* 0: stands alone (a GET); else the number of its change set, from 1 */
	const char	*method;		/* "POST" */
	const char	*path;			/* below the service root, escaped, no slash before it */
	const char	*content_id;		/* NULL: none */
	const char	*if_match;		/* NULL: none */
	const char	*headers;		/* further lines "Name: value\r\n"; NULL: none */
	const char	*body;			/* JSON; NULL: none */
	size_t		 len;
};

struct odata_batch {
	struct buf	*out;			/* borrowed */
	char		 boundary[BATCH_BOUNDARY_MAX + 1];
	char		 type[BATCH_BOUNDARY_MAX + 40];	/* multipart/mixed; boundary=... */
	unsigned	 set;			/* the change set that is open */
	int		 err;
};

/* seed: what makes the boundary one of a kind, 1..40 letters, digits and '-'. */
void odata_batch_begin(struct odata_batch *b, struct buf *out, const char *seed);
void odata_batch_put(struct odata_batch *b, const struct odata_op *op);
/* 0, or the first error: ERR_SYNTAX (a line break where none may be), of the buffer. */
int odata_batch_end(struct odata_batch *b);

struct odata_part {		/* one answer; what points somewhere is in the arena, NUL-ended */
	unsigned	 set;			/* its place among the parts of the batch, from 1, when it came as a change set; else 0 */
	unsigned	 place;			/* among the parts of the batch, from 0: those of one change set share it */
	int		 status;		/* 100..599 */
	const char	*content_id;		/* of the part or of the answer in it; "" if none */
	const char	*headers;		/* of the answer: lines ending "\r\n" */
	const char	*body;
	size_t		 len;
};

/*
 * Take an answer apart. type: its Content-Type with the boundary. Parts come in the order of the bytes. 0; ERR_SYNTAX,
 * ERR_LIMIT, ERR_SHORT (the last boundary is missing: what was sent may have been done) with why (256 bytes). On
 * ERR_SHORT the parts that are whole are given.
 */
int odata_batch_parse(const char *type, const char *body, size_t len, struct arena *a, struct odata_part **out,
    size_t *n, char *why);
/* A header's value by its name, case ignored, without blanks around it; copied into the arena. NULL: there is none. */
const char *odata_header(const char *headers, const char *name, struct arena *a);

#endif
